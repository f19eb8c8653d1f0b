//! Certificates, made by the `openssl` command.

use std::fs;
use std::process::Command;

use super::Folder;

/// The algorithm of a key: arguments for `openssl genpkey`.
pub(super) const P256: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";
pub(super) const P384: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-384";
pub(super) const RSA: &str = "-algorithm RSA -pkeyopt rsa_keygen_bits:2048";
pub(super) const ED25519: &str = "-algorithm ED25519";

/// A workshop for certificates: files `NAME.key` and `NAME.crt` in a folder.
pub(super) struct Workshop(Folder);

impl Workshop {
    /// With an authority `ca`, and another one, `other`, that nobody should trust.
    pub(super) fn new() -> Self {
        let workshop = Self(Folder::new().expect("a folder"));
        for name in ["ca", "other"] {
            workshop.self_signed(name, P256, "-addext basicConstraints=critical,CA:TRUE");
        }
        workshop
    }

    /// The path of a file.
    pub(super) fn path(&self, name: &str) -> String {
        self.0.path(name)
    }

    /// What a file holds.
    pub(super) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file")
    }

    /// A certificate that has signed itself.
    pub(super) fn self_signed(&self, name: &str, key: &str, more: &str) {
        self.key(name, key);
        self.openssl(&format!("req -x509 -new -key {name}.key -subj /CN={name} -days 2 {more} -out {name}.crt"));
    }

    /// A certificate signed by `ca`, with these extensions; without any it is one of version 1.
    pub(super) fn signed(&self, name: &str, key: &str, common_name: &str, extensions: &str, more: &str) {
        self.key(name, key);
        self.openssl(&format!("req -new -key {name}.key -subj /CN={common_name} -out {name}.csr"));
        let extensions = match extensions {
            "" => String::new(),
            lines => {
                fs::write(self.path("extensions"), lines).expect("a file");
                "-extfile extensions".to_owned()
            }
        };
        let authority = "-CA ca.crt -CAkey ca.key -CAcreateserial";
        self.openssl(&format!("x509 -req -in {name}.csr {authority} -days 2 {extensions} {more} -out {name}.crt"));
    }

    fn key(&self, name: &str, algorithm: &str) {
        self.openssl(&format!("genpkey {algorithm} -out {name}.key"));
    }

    fn openssl(&self, arguments: &str) {
        let mut command = Command::new("openssl");
        command.args(arguments.split_whitespace()).current_dir(self.path(""));
        let output = command.output().expect("openssl has to be installed");
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
