//! Kinds and properties in files: by their names, which are the same in every version of pgproof.

use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::kind::ObjectKind;
use super::property::Property;

macro_rules! by_name {
    ($($type:ty, $what:literal;)*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                let name = String::deserialize(deserializer)?;
                <$type>::from_str(&name).map_err(|()| D::Error::custom(format!("unknown {} {name:?}", $what)))
            }
        }
    )*};
}

by_name! {
    ObjectKind, "kind of object";
    Property, "property";
}
