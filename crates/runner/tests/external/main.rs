//! Databases on a server that is not ours: reaching it as libpq would, making what is needed, removing just that.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod belongings;
mod encryption;
mod reaching;
mod somebody;
