//! A range on the scale of a column: what is in it, and which values to try.

use std::collections::HashSet;

use pgproof_catalog::Column;
use pgproof_catalog::row::literals;
use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;

use crate::admission::Admission;
use crate::assertion::Failure;
use crate::scale::Scale;
use crate::strangers::numbers;

/// A range of values, counted in steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub scale: Scale,
    pub least: Option<Bound>,
    pub most: Option<Bound>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    pub steps: i128,
    /// The bound as a number, for values between two steps.
    pub number: Option<f64>,
}

impl Range {
    fn contains(&self, steps: i128) -> bool {
        self.least.is_none_or(|least| steps >= least.steps) && self.most.is_none_or(|most| steps <= most.steps)
    }

    /// Whether a value is in the range.
    pub(super) fn holds(&self, sandbox: &mut Sandbox, text: &str) -> Result<bool, DatabaseError> {
        if let Some(steps) = self.steps(sandbox, text)? {
            return Ok(self.contains(steps));
        }
        let bound = |bound: Option<Bound>| bound.and_then(|bound| bound.number);
        Ok(text.parse::<f64>().is_ok_and(|number| {
            bound(self.least).is_none_or(|least| number >= least) && bound(self.most).is_none_or(|most| number <= most)
        }))
    }

    /// Whether two texts are the same value, however they are written.
    pub(super) fn is_same(&self, sandbox: &mut Sandbox, one: &str, other: &str) -> Result<bool, DatabaseError> {
        if one == other {
            return Ok(true);
        }
        if let (Some(one), Some(other)) = (self.steps(sandbox, one)?, self.steps(sandbox, other)?) {
            return Ok(one == other);
        }
        Ok(matches!((one.parse::<f64>(), other.parse::<f64>()), (Ok(one), Ok(other)) if one.total_cmp(&other).is_eq()))
    }

    fn steps(&self, sandbox: &mut Sandbox, text: &str) -> Result<Option<i128>, DatabaseError> {
        Ok(self.scale.count(sandbox, &[text.to_owned()])?.first().copied().flatten())
    }

    /// The values to try, and whether each is in the range: those around the bounds, those that the column's CHECKs
    /// compare with, and, if a CHECK does more than that, those on which it decides otherwise than the range.
    pub(super) fn probes(
        &self,
        sandbox: &mut Sandbox,
        column: &Column,
        admission: &Admission<'_>,
    ) -> Result<Vec<(String, bool)>, Failure> {
        let mut steps = self.around_bounds(column);
        let mentioned = literals(&admission.definitions().join(" "));
        let mut more = self.fitting(sandbox, column, &mentioned)?;
        if admission.is_open() {
            let mut searched = mentioned;
            if self.scale.is_of_numbers() {
                searched.extend(numbers(&searched));
            }
            let many = self.fitting(sandbox, column, &searched)?;
            let texts: Vec<String> = many.iter().map(|steps| self.scale.text(*steps)).collect();
            match admission.admits(sandbox, &texts)? {
                Some(accepted) => {
                    let accepted: HashSet<String> = accepted.into_iter().collect();
                    let differ = |(steps, text): &(&i128, &String)| accepted.contains(*text) != self.contains(**steps);
                    let differing = many.iter().zip(&texts).filter(differ).map(|(steps, _)| *steps);
                    more.extend(differing.take(MOST_DIFFERING));
                }
                // A condition fails for one of them: each is tried.
                None => more.extend(many.into_iter().take(MOST_TRIED)),
            }
        }
        for at in more {
            if !steps.contains(&at) {
                steps.push(at);
            }
        }
        Ok(steps.into_iter().map(|at| (self.scale.text(at), self.contains(at))).collect())
    }

    /// Those of the texts that are values of the column, in steps.
    fn fitting(&self, sandbox: &mut Sandbox, column: &Column, texts: &[String]) -> Result<Vec<i128>, DatabaseError> {
        let limits = self.scale.limits(column);
        let counted = self.scale.count(sandbox, texts)?.into_iter().flatten();
        Ok(counted.filter(|steps| limits.is_none_or(|(low, high)| (low..=high).contains(steps))).collect())
    }

    fn around_bounds(&self, column: &Column) -> Vec<i128> {
        let limits = self.scale.limits(column);
        let bounds = || [self.least, self.most].into_iter().flatten().map(|bound| bound.steps);
        let mut steps = Vec::new();
        for at in bounds() {
            let near = [0, -1, 1].map(|step| at.checked_add(step));
            // Far from the bound another rule may begin.
            let far = self.scale.distances();
            let far = far.iter().flat_map(|distance| [at.checked_add(*distance), at.checked_sub(*distance)]);
            steps.extend(near.into_iter().chain(far).flatten());
        }
        steps.extend(limits.map(|(low, high)| [low, high]).into_iter().flatten());
        steps.sort_unstable();
        steps.dedup();
        steps.retain(|at| limits.is_none_or(|(low, high)| (low..=high).contains(at)));
        // Values closest to a bound are the most informative.
        steps.sort_by_key(|steps| bounds().map(|at| steps.abs_diff(at)).min());
        steps
    }
}

/// How many of the numbers that a CHECK decides otherwise are tried.
const MOST_DIFFERING: usize = 20;

/// How many numbers are tried if they cannot be evaluated beforehand.
const MOST_TRIED: usize = 300;
