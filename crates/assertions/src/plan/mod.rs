//! Plans: EXPLAIN as a tree, and what can be said about the indexes in it.

mod node;
mod uses_index;

pub use node::Node;
pub use uses_index::UsesIndex;
