//! Which extension provides a function, type or operator class that a migration uses, for those that are used most.

/// An extension, and what of it migrations use by name.
const PROVIDED: &[(&str, &[&str])] = &[
    (
        "uuid-ossp",
        &[
            "uuid_generate_v1",
            "uuid_generate_v1mc",
            "uuid_generate_v3",
            "uuid_generate_v4",
            "uuid_generate_v5",
            "uuid_nil",
        ],
    ),
    (
        "pgcrypto",
        &[
            "gen_random_bytes",
            "crypt",
            "gen_salt",
            "digest",
            "hmac",
            "encrypt",
            "decrypt",
            "pgp_sym_encrypt",
            "pgp_sym_decrypt",
            "gen_random_uuid",
        ],
    ),
    ("citext", &["citext"]),
    ("hstore", &["hstore"]),
    ("ltree", &["ltree", "lquery"]),
    ("pg_trgm", &["gin_trgm_ops", "gist_trgm_ops", "similarity", "word_similarity", "show_trgm"]),
    ("unaccent", &["unaccent"]),
    ("btree_gist", &["gist_int4_ops", "gist_uuid_ops", "gist_text_ops"]),
    ("postgis", &["geometry", "geography", "st_makepoint", "st_setsrid", "st_distance"]),
    ("vector", &["vector", "halfvec", "vector_cosine_ops", "vector_l2_ops"]),
];

/// The extension that provides this name, written as in SQL.
pub(super) fn providing(name: &str) -> Option<&'static str> {
    let name = name.trim_matches('"').to_lowercase();
    PROVIDED.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(extension, _)| *extension)
}
