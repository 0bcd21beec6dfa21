// errors: E0277 E0599
// A recipient hash is no part of any output.
use mailping_core::store::RecipientHash;

fn serialise(hash: &RecipientHash) -> Result<String, serde_json::Error> {
    serde_json::to_string(hash)
}

fn show(hash: &RecipientHash) -> String {
    hash.to_string()
}

fn main() {}
