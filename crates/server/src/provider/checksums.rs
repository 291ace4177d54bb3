//! The SHA-256 of each archive that is downloaded, beside the releases in `download`: whoever replaces an archive on its
//! host can replace a checksum there too. They are those of the archives in the packages of `pip` that distribute them,
//! which have none for musl.

/// The checksum of the archive of this name, without `.tar.gz`.
pub(super) fn of(name: &str) -> Option<&'static str> {
    CHECKSUMS.iter().find(|(known, _)| *known == name).map(|(_, sum)| *sum)
}

const CHECKSUMS: &[(&str, &str)] = &[
    ("postgresql-14.23.0-x86_64-unknown-linux-gnu", "61eebd4df630c7dba82000813746a3448a40a1be647949138a9d69c50f89dec1"),
    (
        "postgresql-14.23.0-aarch64-unknown-linux-gnu",
        "e628659f647559f95d39eb6ae775c70db28751831eb31525d8c01c4d4470d9f2",
    ),
    ("postgresql-14.23.0-x86_64-apple-darwin", "c4135d5b58ace1b4f815f8b978f389f106227bcee50e6e1cbcce34173d7a2cff"),
    ("postgresql-14.23.0-aarch64-apple-darwin", "d8a779a8988a5f271c9e222f0e1685362e73e934ebaf0913c412398b829b3ace"),
    ("postgresql-15.19.0-x86_64-unknown-linux-gnu", "556ad48b5e59fec8fd7c732cb86a8b6606eb4890cb1ce4266e7487a51f2ed971"),
    (
        "postgresql-15.19.0-aarch64-unknown-linux-gnu",
        "50d20ffbd7d864eecc6eab8f854ba5f2e8a4f3e50645753fbf0e5929765e76be",
    ),
    ("postgresql-15.19.0-x86_64-apple-darwin", "e37b8890570f413dca754d093a5ff390834eccac8648988fd5a262d65f14ff88"),
    ("postgresql-15.19.0-aarch64-apple-darwin", "66461013bc02d7d07f385a6d69cd8d0743cb7ff482c4cd8c2fb1ab78e7f8c709"),
    ("postgresql-16.15.0-x86_64-unknown-linux-gnu", "77dd669eda3985ea8be26256f6af28d3c8414152ada713797555bb7423b4486a"),
    (
        "postgresql-16.15.0-aarch64-unknown-linux-gnu",
        "f6d49ffbaea28cf8732785b18afb75bded905667d4ec8e2308a13a30fe0a24d1",
    ),
    ("postgresql-16.15.0-x86_64-apple-darwin", "dfae21b2b931f1d8d1103afb6e8e108fdd94c6f407ce24d35b6cd0ad34f286d1"),
    ("postgresql-16.15.0-aarch64-apple-darwin", "46f6382024d9b633d1f4b4903ffef8c2404e00ae83098d628c00591048cb0512"),
    ("postgresql-17.11.0-x86_64-unknown-linux-gnu", "b7a1ba6bae6499d8296e3e81b0171eecfd1766ca9aaa0057e41ad3e844e5e2e0"),
    (
        "postgresql-17.11.0-aarch64-unknown-linux-gnu",
        "abffda09209280ec1502b73720dc4d254fb7fff9a072e324926c600a5b16c221",
    ),
    ("postgresql-17.11.0-x86_64-apple-darwin", "e43a81b15e1cfe7f9d8fd79c6d4d0366e9001a5f690e322224dca704656602f7"),
    ("postgresql-17.11.0-aarch64-apple-darwin", "fd4b62794b160e26973a768a1eef3248aef9d2ff23ebd6d884a4299485e28e57"),
    ("postgresql-18.6.0-x86_64-unknown-linux-gnu", "bb3d09f876b2383e25a8c9ce09e32d185a03656a23d074f5195542b1b1b3ca61"),
    ("postgresql-18.6.0-aarch64-unknown-linux-gnu", "5d2b5e8be9e96bfc3d7f22090057a836ec36d5d092542d8d3b93cc145cf4ee13"),
    ("postgresql-18.6.0-x86_64-apple-darwin", "f8918fbe747e0d79bda58ad8f8afcf23ac384b847ff3af18856f0825ba54b031"),
    ("postgresql-18.6.0-aarch64-apple-darwin", "a257bcdb8aa3301a13d6a5bcec48f8c9517045b7cbae71e50788b2615539e95b"),
];
