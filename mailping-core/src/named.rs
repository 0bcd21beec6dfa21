//! One way to write closed lists: a variant, its stable number for stores and its stable name,
//! side by side. A number or a name that was once given is never given to something else.

macro_rules! named {
    (
        $(#[$meta:meta])*
        pub enum $name:ident ($what:literal) {
            $( $(#[$about:meta])* $variant:ident = $code:literal, $text:literal; )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$about])* $variant = $code, )+
        }

        impl $name {
            /// Every one, in the order of the codes.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// The stable name, as it is shown, serialised and parsed.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text, )+ }
            }

            /// The stable number under which a store keeps it. Never reused.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// What a store kept as `code`; `None` for a number that this version does not know.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $( $code => Some(Self::$variant), )+ _ => None }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl $name {
            /// What an error says instead of what it was given.
            const EXPECTED: &'static str = concat!($what, ", one of:" $(, " ", $text)+);
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::ParseError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|known| known.as_str() == text)
                    .ok_or($crate::ParseError::new(Self::EXPECTED))
            }
        }

        $crate::text::text!($name, expected: Self::EXPECTED, one_of: [$( $text ),+]);
    };
}

pub(crate) use named;
