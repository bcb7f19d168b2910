//! Fields with a fixed set of values: one definition gives the text, the JSON form, the database form
//! and the schema.

/// A field with a fixed set of values.
pub(crate) trait Choice: Copy + Sized + 'static {
    /// Every value.
    const ALL: &'static [Self];

    /// The value as it stands in JSON and in the database.
    fn text(self) -> &'static str;

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|choice| choice.text() == text)
    }
}

/// Defines an enumeration whose variants are these texts.
macro_rules! choices {
    ($(#[doc = $doc:literal])* $name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
        pub(crate) enum $name {
            $(#[serde(rename = $text)] $variant),+
        }

        impl $crate::shared::choices::Choice for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some([$($text),+]))
                    .description(Some(concat!($($doc),*).trim()))
                    .build()
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::shared::choices::Choice::text(*self))
            }
        }

        $crate::shared::db::stored_as!(
            $name,
            String,
            |choice| $crate::shared::choices::Choice::text(*choice).to_owned(),
            |text| <$name as $crate::shared::choices::Choice>::parse(&text)
        );
    };
}
pub(crate) use choices;

choices! {
    /// What a quote or a policy insures.
    InsuranceType { Auto = "AUTO", Home = "HOME", Life = "LIFE", Health = "HEALTH", Business = "BUSINESS" }
}
