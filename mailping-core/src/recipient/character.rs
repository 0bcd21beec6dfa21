//! What a character of an address is, by its general category (Unicode): a list of ranges knows the
//! punctuation of some scripts and not that of the next.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory as Category;

/// Letters, marks and digits: names consist of them in every script. The modifier letters left out
/// are apostrophes and accents that stand alone.
pub(super) fn is_word(c: char) -> bool {
    let continues =
        matches!(category(c), Category::ModifierLetter | Category::NonspacingMark | Category::SpacingMark);
    begins_word(c) || continues && !matches!(c, '\u{2b0}'..='\u{2ff}') && !is_sign(c)
}

/// What a word begins with.
pub(super) fn begins_word(c: char) -> bool {
    matches!(
        category(c),
        Category::UppercaseLetter
            | Category::LowercaseLetter
            | Category::TitlecaseLetter
            | Category::OtherLetter
            | Category::DecimalNumber
    ) && !is_sign(c)
}

/// Signs that NFKC makes letters, digits or blanks of, such as a trade mark or the number of a
/// footnote, and what encloses the character before it: they stand beside an address, not in it.
pub(super) fn is_sign(c: char) -> bool {
    if c.is_ascii() {
        return false;
    }
    match category(c) {
        Category::EnclosingMark => true,
        Category::OtherLetter => matches!(c, '\u{aa}' | '\u{ba}'),
        Category::ModifierLetter => folds_to(c, |c| c.is_ascii_alphanumeric()),
        Category::LetterNumber
        | Category::OtherNumber
        | Category::MathSymbol
        | Category::CurrencySymbol
        | Category::ModifierSymbol
        | Category::OtherSymbol => folds_to(c, |c| c.is_alphanumeric() || c == ' '),
        _ => false,
    }
}

fn folds_to(c: char, is_text: fn(char) -> bool) -> bool {
    let folded = ComposingNormalizerBorrowed::new_nfkc().normalize(c.encode_utf8(&mut [0; 4])).into_owned();
    !folded.contains(c) && folded.contains(is_text)
}

fn category(c: char) -> Category {
    CodePointMapData::<Category>::new().get(c)
}
