//! Stands in for containers in a program built without the feature `docker`.

use super::Provider;
use crate::{Server, ServerError, ServerOptions};

/// No container.
#[derive(Debug)]
pub(super) struct Docker;

impl Provider for Docker {
    fn start(&self, _: &ServerOptions) -> Result<Server, ServerError> {
        Err(unavailable())
    }

    fn majors(&self, _: &ServerOptions) -> Result<Vec<u16>, ServerError> {
        Err(unavailable())
    }

    fn describe(&self, _: &ServerOptions) -> Result<String, ServerError> {
        Err(unavailable())
    }
}

fn unavailable() -> ServerError {
    ServerError::NoEngine { problem: "this program was built without the feature `docker`".to_owned() }
}
