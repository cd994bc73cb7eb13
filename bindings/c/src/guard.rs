//! What every exported function runs in: no panic and no failure crosses into C unreported.

use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};

use crate::error::{pm_error, Failure};
use crate::status::pm_status;

/// What a body gives: a status that is not an error, or the failure.
pub(crate) type Outcome = Result<pm_status, Failure>;

/// Runs the body of a function that reports through a status and an error object.
pub(crate) fn call(error: *mut *mut pm_error, body: impl FnOnce() -> Outcome) -> pm_status {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(status)) => status,
        Ok(Err(failure)) => failure.report(error),
        Err(payload) => Failure::new(pm_status::PM_ERROR_PANIC, message(&payload)).report(error),
    }
}

/// Runs the body of a function that cannot fail; `answer` stands for NULL arguments and panics.
pub(crate) fn value<T>(answer: T, body: impl FnOnce() -> Option<T>) -> T {
    catch_unwind(AssertUnwindSafe(body)).ok().flatten().unwrap_or(answer)
}

/// Runs the body of a function that only frees.
pub(crate) fn quiet(body: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(body));
}

fn message(payload: &Box<dyn Any + Send>) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    format!("internal error: {}", text.as_deref().unwrap_or("a panic without a message"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::ptr;

    use super::*;
    use crate::error::{pm_error_free, pm_error_status};

    #[test]
    fn a_panic_becomes_a_status_and_an_error_object() {
        let mut error = ptr::null_mut();
        let status = call(&mut error, || panic!("as intended"));
        assert_eq!(status, pm_status::PM_ERROR_PANIC);
        // SAFETY: the call above has written an error that nobody freed.
        unsafe {
            assert_eq!(pm_error_status(error), pm_status::PM_ERROR_PANIC);
            pm_error_free(error);
        }
    }

    #[test]
    fn a_panic_without_an_error_pointer_and_in_a_value_is_contained() {
        assert_eq!(call(ptr::null_mut(), || panic!("as intended")), pm_status::PM_ERROR_PANIC);
        assert_eq!(value(7, || panic!("as intended")), 7);
    }
}
