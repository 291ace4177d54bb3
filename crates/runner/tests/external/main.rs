//! Databases on an external server: connecting as libpq does, creating what is needed, and removing only that.

#![expect(clippy::expect_used, reason = "a test that cannot continue fails")]

mod belongings;
mod encryption;
mod reaching;
mod server;
