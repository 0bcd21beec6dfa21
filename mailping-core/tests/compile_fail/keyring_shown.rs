// errors: E0277 E0599 E0616
// A keyring has no Display, no Serialize and no public keys.
use mailping_core::Keyring;

fn show(keys: &Keyring) -> String {
    keys.to_string()
}

fn serialise(keys: &Keyring) -> Result<String, serde_json::Error> {
    serde_json::to_string(keys)
}

fn keys(keys: &Keyring) -> usize {
    keys.older.len()
}

fn main() {}
