//! The containers of a run, known by their labels: removing them is the reaper's duty, and a later run's where owner and
//! reaper are dead.

use std::time::Duration;

use testcontainers::bollard::query_parameters::{ListContainersOptionsBuilder, RemoveContainerOptionsBuilder};
use testcontainers::bollard::{Docker as Engine, errors::Error as EngineError};
use testcontainers::core::client::docker_client_instance;

use crate::ServerError;

/// The prefix of the names of containers that the user keeps.
pub(crate) const KEPT: &str = "pgproof-kept-";

/// The label that holds the run.
pub(crate) const RUN_LABEL: &str = "org.pgproof.run";

/// The label that holds the process that owns the run, and its namespace.
pub(crate) const OWNER_LABEL: &str = "org.pgproof.owner";

/// How long the engine may take to answer a ping.
const PING_DEADLINE: Duration = Duration::from_secs(5);

/// Removes the containers of a run.
pub(crate) fn remove(run: &str) -> Result<(), ServerError> {
    let label = format!("{RUN_LABEL}={run}");
    with_engine(async move |engine| {
        for (id, _) in labelled(engine, &label).await? {
            remove_container(engine, &id).await?;
        }
        Ok(())
    })
}

/// Removes containers whose owner and reaper are dead. Whatever cannot be queried or removed is left to the next run.
pub(crate) fn sweep() {
    let abandoned = |owner: &str| crate::installation::sweep::is_dead(owner);
    let _ = with_engine(async move |engine| {
        for (id, owner) in labelled(engine, RUN_LABEL).await? {
            if owner.is_some_and(|owner| abandoned(&owner)) {
                remove_container(engine, &id).await?;
            }
        }
        Ok(())
    });
}

/// The containers with a label, with their owner, except those that are kept.
async fn labelled(engine: &Engine, label: &str) -> Result<Vec<(String, Option<String>)>, EngineError> {
    let filters = std::collections::HashMap::from([("label", vec![label])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let found = engine.list_containers(Some(options)).await?;
    let owner = |labels: Option<std::collections::HashMap<String, String>>| labels?.remove(OWNER_LABEL);
    let is_kept =
        |names: &Option<Vec<String>>| names.iter().flatten().any(|name| name.trim_start_matches('/').starts_with(KEPT));
    let found = found.into_iter().filter(|found| !is_kept(&found.names));
    Ok(found.filter_map(|found| Some((found.id?, owner(found.labels)))).collect())
}

async fn remove_container(engine: &Engine, id: &str) -> Result<(), EngineError> {
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    match engine.remove_container(id, Some(options)).await {
        // Removed, or being removed.
        Err(EngineError::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
        other => other,
    }
}

/// Calls the engine at `DOCKER_HOST` or the default socket, with the API version that it supports.
pub(crate) fn with_engine<T>(act: impl AsyncFnOnce(&Engine) -> Result<T, EngineError>) -> Result<T, ServerError> {
    let failed = |problem: String| ServerError::NoEngine { problem };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed(error.to_string()))?;
    runtime.block_on(async {
        let engine = docker_client_instance().await.map_err(|error| failed(error.to_string()))?;
        let ping = tokio::time::timeout(PING_DEADLINE, engine.negotiate_version()).await;
        let engine = ping
            .map_err(|_| failed(format!("no answer within {} s", PING_DEADLINE.as_secs())))?
            .map_err(|error| failed(pgproof_sql::with_causes(&error)))?;
        act(&engine).await.map_err(|error| failed(pgproof_sql::with_causes(&error)))
    })
}
