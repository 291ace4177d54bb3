//! What was read from a database or a file and need not be read again, by its type. It hangs on the template, sandbox or
//! schema that it is about, so that it goes when they do.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

/// Values that were read once.
#[derive(Default)]
pub struct Cache(Mutex<HashMap<TypeId, Slot>>);

/// The place of one value. It has a lock of its own: who needs another value does not wait.
type Slot = Arc<Mutex<Option<Arc<dyn Any + Send + Sync>>>>;

impl Cache {
    /// The value of this type, which begins as its default and changes by what it holds itself.
    pub fn kept<T: Any + Send + Sync + Default>(&self) -> Arc<T> {
        self.get(|| Ok::<_, Infallible>(T::default())).unwrap_or_else(|never| match never {})
    }

    /// The value of this type, made by the first who asks while the others wait.
    pub fn get<T: Any + Send + Sync, E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        let slot = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(TypeId::of::<T>()).or_default())
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = slot.as_ref().and_then(|value| Arc::clone(value).downcast().ok()) {
            return Ok(value);
        }
        let value = Arc::new(make()?);
        *slot = Some(Arc::clone(&value) as Arc<dyn Any + Send + Sync>);
        Ok(value)
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cache")
    }
}
