//! One way to write closed lists: a variant, its stable number for stores and its stable name,
//! side by side. A number or a name that was once given is never given to something else.
//!
//! A list that can grow in a minor version names the variant that stands for what a newer version
//! has added: `(..., else Variant)`.

macro_rules! named {
    (
        $(#[$meta:meta])*
        pub enum $name:ident ($what:literal, else $unknown:ident) {
            $( $(#[$about:meta])* $variant:ident = $code:literal, $text:literal; )+
        }
    ) => {
        named! { @list $(#[$meta])* pub enum $name ($what) { $( $(#[$about])* $variant = $code, $text; )+ } }

        impl $name {
            #[doc = concat!("What a store kept as `code`; `", stringify!($unknown), "` for one that a newer version has added.")]
            #[must_use]
            pub const fn from_code(code: u8) -> Self {
                match code { $( $code => Self::$variant, )+ _ => Self::$unknown }
            }
        }
    };
    (
        $(#[$meta:meta])*
        pub enum $name:ident ($what:literal) {
            $( $(#[$about:meta])* $variant:ident = $code:literal, $text:literal; )+
        }
    ) => {
        named! { @list $(#[$meta])* pub enum $name ($what) { $( $(#[$about])* $variant = $code, $text; )+ } }

        impl $name {
            /// What a store kept as `code`; `None` for a number that this version does not know.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $( $code => Some(Self::$variant), )+ _ => None }
            }
        }
    };
    (
        @list
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

            /// What an error says, instead of what was read.
            const EXPECTED: &'static str = concat!($what, ", one of:" $(, " ", $text)+);

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
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::ParseError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|one| one.as_str() == text)
                    .ok_or($crate::ParseError::new(Self::EXPECTED))
            }
        }

        $crate::text::text!($name, expected: Self::EXPECTED, one_of: [$( $text ),+]);
    };
}

pub(crate) use named;
