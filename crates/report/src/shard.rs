//! A shard: one of several parts into which the tests of a run are divided. The shard of a test depends only on its
//! name, so machines need not communicate.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The `index`th of `of` parts, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shard {
    /// The number of the shard, from 1.
    pub index: u32,
    /// The number of shards.
    pub of: u32,
}

impl Shard {
    /// Whether a test of a schema's suite belongs to this shard, by the first bytes of the SHA-256 of both names.
    pub fn holds(self, schema: &str, test: &str) -> bool {
        let digest = Sha256::digest(format!("{schema}::{test}"));
        let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        number % u64::from(self.of) == u64::from(self.index) - 1
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let numbers = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((index, of)) if (1..=of).contains(&index) => Ok(Shard { index, of }),
            _ => Err("expected K/N with K from 1 to N, as in 2/3".to_owned()),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_shard_is_one_of_some() {
        assert_eq!("2/3".parse(), Ok(Shard { index: 2, of: 3 }));
        for wrong in ["0/3", "4/3", "3", "a/b", "1/0", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
        // This must never change: the binaries of one run may have been built at different times.
        let holder = |test| (1..=3).find(|index| Shard { index: *index, of: 3 }.holds("shop", test));
        assert_eq!(["a::b", "a::c", "a::d", "a::e"].map(holder), [Some(1), Some(1), Some(1), Some(2)]);
    }

    proptest! {
        #[test]
        fn each_test_is_held_by_exactly_one_shard(schema in "[a-z]{1,8}", test in "[a-z:_0-9]{1,40}", of in 1_u32..9) {
            let holders = (1..=of).filter(|index| Shard { index: *index, of }.holds(&schema, &test)).count();
            prop_assert_eq!(holders, 1);
        }
    }
}
