//! How to connect to a server, following libpq: connection strings, `PG*` variables, password files, TLS
//! (documentation, "libpq": "Connection Strings", "Environment Variables", "The Password File", "SSL Support").

mod address;
mod client;
mod conninfo;
mod error;
mod failure;
mod passfile;
mod service;
pub(crate) mod tls;
mod uri;

pub use address::Address;
pub use client::ClientAccess;
pub use conninfo::has_password;
pub use error::AddressError;
pub use failure::ConnectionFailure;
