//! Cases of a property: how many are tried, from which seed, and the smallest one that refutes it.

use std::cell::RefCell;

use proptest::strategy::Strategy;
use proptest::test_runner::{
    Config, FailurePersistence, FileFailurePersistence, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner,
};

use super::database::Runs;
use pgproof_assertions::{assertion::Failure, assertion::refuted};

/// The environment variable for the number of cases per property.
pub const CASES_VARIABLE: &str = "PGPROOF_CASES";

/// The environment variable for the seed.
pub const SEED_VARIABLE: &str = "PGPROOF_SEED";

/// The default: few enough for every pull request.
const USUAL_CASES: u32 = 3;

/// A number from an environment variable.
fn number<N: std::str::FromStr>(variable: &str, usual: N) -> Result<N, Failure> {
    match std::env::var(variable) {
        Err(_) => Ok(usual),
        Ok(text) => {
            text.parse().map_err(|_| Failure::Expectation(format!("{variable} is {text:?}, and should be a number")))
        }
    }
}

/// The seed of the cases.
pub(super) fn seed() -> Result<u64, Failure> {
    number(SEED_VARIABLE, 0_u64)
}

impl Runs {
    /// How many cases of a property are tried.
    pub(super) fn cases(&self) -> Result<u32, Failure> {
        let cases = match self.cases {
            Some(cases) => cases,
            None => number(CASES_VARIABLE, USUAL_CASES)?,
        };
        if cases == 0 {
            return Err(Failure::Expectation(
                "no case of a property is to be tried, so nothing would be proven".to_owned(),
            ));
        }
        Ok(cases)
    }
}

/// The file of cases that previously refuted a property, in the schema's fixtures: they are tried first.
fn regressions(runs: &Runs, name: &str) -> Option<Box<dyn FailurePersistence>> {
    runs.context().configured()?.1.fixtures.as_ref()?;
    let (_, file) = runs.context().fixture(&format!("regressions/{name}.txt"));
    // proptest keeps the name permanently, and there are few of them.
    let file: &'static str = Box::leak(file.to_str()?.to_owned().into_boxed_str());
    Some(Box::new(FileFailurePersistence::Direct(file)))
}

/// Tries a property on cases of a strategy. `describe` reports the smallest case that refutes it, with the seed; if the
/// property cannot be checked, that is the failure.
pub(super) fn property<S: Strategy>(
    runs: &Runs,
    name: &str,
    cases: Option<u32>,
    strategy: S,
    describe: impl Fn(&S::Value) -> String,
    holds: impl Fn(&S::Value) -> Result<(), Failure>,
) -> Result<(), Failure>
where
    S::Value: std::fmt::Debug + Clone,
{
    let cases = cases.map_or_else(|| runs.cases(), Ok)?;
    let seed = seed()?;
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config =
        Config { cases, failure_persistence: regressions(runs, name), max_shrink_iters: 64, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let broken = RefCell::new(None);
    let result = runner.run(&strategy, |case| match holds(&case) {
        Ok(()) => Ok(()),
        Err(Failure::Refuted { found, .. }) => Err(TestCaseError::fail(found)),
        Err(failure) => {
            broken.borrow_mut().get_or_insert(failure);
            Ok(())
        }
    });
    match result {
        // Cases that could not be tried are reported if nothing was refuted.
        Ok(()) => broken.into_inner().map_or(Ok(()), Err),
        Err(TestError::Fail(reason, case)) => {
            let again = format!("{SEED_VARIABLE}={seed} {CASES_VARIABLE}={cases}");
            Err(refuted(format!(
                "{}\n{}\nthe smallest case found; again with {again}",
                describe(&case),
                reason.message()
            )))
        }
        Err(TestError::Abort(reason)) => {
            Err(Failure::Expectation(format!("no case could be made: {}", reason.message())))
        }
    }
}

/// The cases of a strategy that [`property`] tries.
pub(super) fn drawn<S: Strategy>(
    runs: &Runs,
    name: &str,
    cases: Option<u32>,
    strategy: S,
) -> Result<Vec<S::Value>, Failure>
where
    S::Value: std::fmt::Debug + Clone,
{
    let drawn = RefCell::new(Vec::new());
    let note = |case: &S::Value| {
        drawn.borrow_mut().push(case.clone());
        Ok(())
    };
    property(runs, name, cases, strategy, |_| String::new(), note)?;
    Ok(drawn.into_inner())
}
