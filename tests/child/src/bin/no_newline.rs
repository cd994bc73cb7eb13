//! Prints the number of bytes given ("x" each) without a newline; with `wait` it then stays, like
//! a prompt, until its standard input ends.

use process_manager_child::{arg, arg_or, limit_life, put, usage};

fn main() {
    const USAGE: &str = "BYTES [wait]";
    let count: usize = arg(1, USAGE);
    limit_life();
    put(&vec![b'x'; count]);
    match arg_or(2, String::new(), USAGE).as_str() {
        "" => {}
        "wait" => drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink())),
        _ => usage(USAGE),
    }
}
