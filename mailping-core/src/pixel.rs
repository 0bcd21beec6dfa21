//! The answer to every pixel request: one picture and one set of headers, whatever the token was.

/// The 43 bytes of a transparent 1x1 GIF.
pub const BYTES: [u8; 43] =
    *b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\
    \x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

/// The headers that go with it, by lower-case name. An adapter adds `content-length` and nothing
/// else.
///
/// `no-store` lets a proxy that honours it ask again; `cross-origin` lets webmail pages show the
/// picture.
pub const HEADERS: [(&str, &str); 3] = [
    ("content-type", "image/gif"),
    ("cache-control", "no-store"),
    ("cross-origin-resource-policy", "cross-origin"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_a_whole_transparent_gif_of_one_pixel() {
        assert_eq!(&BYTES[..6], b"GIF89a");
        assert_eq!(BYTES[6..10], [1, 0, 1, 0], "one by one");
        assert_eq!(BYTES[22] & 1, 1, "the transparency flag of the graphic control extension");
        assert_eq!(BYTES[42], b';');
    }
}
