//! Data that the workload's set-up hands to all users, found again by its type.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::sync::Arc;

/// Values by type, at most one of each.
#[derive(Clone, Debug, Default)]
pub struct Provided(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

/// Nothing of that type was provided.
#[derive(Debug, thiserror::Error)]
#[error("the workload's set-up provided no `{0}`")]
pub struct NotProvided(&'static str);

impl Provided {
    /// Adds `value`, replacing an earlier one of the same type.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.0.insert(TypeId::of::<T>(), Arc::new(value));
    }

    /// The value of type `T`.
    ///
    /// # Errors
    /// [`NotProvided`] when there is none.
    pub fn get<T: Send + Sync + 'static>(&self) -> Result<Arc<T>, NotProvided> {
        self.0
            .get(&TypeId::of::<T>())
            .and_then(|value| Arc::clone(value).downcast::<T>().ok())
            .ok_or(NotProvided(type_name::<T>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_by_type_and_names_what_is_missing() {
        let mut provided = Provided::default();
        provided.insert(3_u8);
        provided.insert(4_u8);
        assert_eq!(*provided.get::<u8>().unwrap(), 4);
        let missing = provided.get::<String>().unwrap_err();
        assert!(missing.to_string().contains("alloc::string::String"));
    }
}
