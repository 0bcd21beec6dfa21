//! Why a certified receipt was refused.

/// Why a certified receipt was refused. It says what failed and where, and repeats nothing of the
/// file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The text is no certified receipt.
    #[error("this is no certified receipt of version 1")]
    NoReceipt,
    /// The text is longer than any receipt is.
    #[error("the file is longer than any receipt")]
    TooLong,
    /// The last line is missing.
    #[error("the file is cut off: its last line is missing")]
    Cut,
    /// The last line does not fit the rest.
    #[error("the file was changed after it was made: its last line does not fit the rest")]
    Damaged,
    /// The first page is not the one that belongs to the proof, or something is written in another
    /// form than the one that it has.
    #[error("the first page is not the one that belongs to the proof")]
    Page,
    /// A line of the proof is wrong.
    #[error("line {line} is not {expected}")]
    Form {
        /// Its number, from 1.
        line: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// The checkpoint is not signed by the log's key.
    #[error("the checkpoint is not signed by the given key of the log, nor by one that it passed on to")]
    Signature,
    /// An entry that changes the log's key is wrong.
    #[error("a change of the log's key is not {expected}")]
    Rotation {
        /// What it should be.
        expected: &'static str,
    },
    /// A seal is wrong, or one is missing.
    #[error("seal {index} {problem}")]
    Seal {
        /// The number of the seal that should be there.
        index: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// What was sealed is not what the log has signed.
    #[error("the list is not what the log has signed: something was changed, added or left out")]
    Log,
    /// A statement breaks a rule.
    #[error("statement {number} {problem}")]
    Statement {
        /// Which one, from 1.
        number: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The log does not go on from an earlier checkpoint of the receipt.
    #[error("the log does not go on from its earlier checkpoint of {size} seals: it was rewritten")]
    Rewritten {
        /// How many seals that checkpoint has.
        size: u64,
    },
    /// The receipt proves nothing about an earlier checkpoint that it should go on from.
    #[error(
        "the receipt has no proof that its log goes on from the checkpoint of {size} seals: ask for one that has"
    )]
    NoProof {
        /// How many seals that checkpoint has.
        size: u64,
    },
    /// A checkpoint to compare with is none of this log.
    #[error("the checkpoint to compare with is not a signed checkpoint of this log")]
    NoCheckpoint,
    /// A witness that was asked for did not sign.
    #[error("the checkpoint is not signed by the witness that was asked for")]
    Witness,
    /// The mail belongs to another receipt.
    #[error("the mail's header belongs to another receipt")]
    Header,
}
