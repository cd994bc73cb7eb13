//! Ends with the exit code given, 0 to 255.

fn main() {
    let code: u8 = process_manager_child::arg(1, "CODE (0 to 255)");
    std::process::exit(code.into())
}
