//! Plans the queries again before `review` says that nothing has changed: no pending file may only mean that nobody has
//! planned since.

use anyhow::Context;
use pgproof_assertions::assertion::{Assertion, Failure};
use pgproof_plans::{Plans, check_snapshots, planning_template, read_workload, rendered, shortages};
use pgproof_runner::isolation::Template;
use pgproof_runner::{Config, Sandbox, Schema};

use crate::terminal::note;

/// Plans the queries of a schema. Changed plans are written as pending files, as a suite writes them; returns how many
/// differ from what is accepted.
pub(super) fn plan(config: &Config, schema: &Schema) -> anyhow::Result<usize> {
    let Some(plans) = schema.part::<Plans>()? else { return Ok(0) };
    let failed =
        || format!("the queries of {} cannot be planned, so it is not known whether plans have changed", schema.name);
    let queries = read_workload(&config.path(&plans.queries), &plans.queries).with_context(failed)?;
    let template = Template::in_config(|| Ok(config.clone()), &schema.name).with_context(failed)?;
    let mut sandbox = Sandbox::on(planning_template(&template).with_context(failed)?).with_context(failed)?;
    for shortage in shortages(sandbox.context()) {
        note(format_args!("note: in the planning database {shortage}"));
    }
    let role = plans.role.as_deref();
    for query in &queries {
        rendered(query, &mut sandbox, role).with_context(failed)?;
    }
    let (accepted, _) = check_snapshots(&queries, role, &config.path(&plans.snapshots));
    let mut changed = 0;
    for assertion in accepted {
        match sandbox.undone(|sandbox| assertion.check(sandbox)) {
            Ok(()) => {}
            Err(Failure::Refuted { .. }) => changed += 1,
            Err(error) => return Err(anyhow::Error::new(error).context(failed())),
        }
    }
    Ok(changed)
}
