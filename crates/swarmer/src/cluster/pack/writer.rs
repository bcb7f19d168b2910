//! Writing as Locust's library does: whole numbers as short as possible, floats always in eight bytes.

use std::collections::BTreeMap;

use rmp::encode;

use super::value::Value;

/// Builds one message in memory, which cannot fail.
#[derive(Debug, Default)]
pub(in crate::cluster) struct Writer {
    bytes: encode::buffer::ByteBuf,
}

/// Lengths that MessagePack can express: a message is bounded far below.
fn length(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

impl Writer {
    pub(in crate::cluster) fn finish(self) -> Vec<u8> {
        self.bytes.into_vec()
    }

    pub(in crate::cluster) fn nil(&mut self) {
        let Ok(()) = encode::write_nil(&mut self.bytes);
    }

    pub(in crate::cluster) fn bool(&mut self, yes: bool) {
        let Ok(()) = encode::write_bool(&mut self.bytes, yes);
    }

    pub(in crate::cluster) fn whole(&mut self, number: u64) {
        let Ok(_) = encode::write_uint(&mut self.bytes, number);
    }

    pub(in crate::cluster) fn signed(&mut self, number: i64) {
        let Ok(_) = encode::write_sint(&mut self.bytes, number);
    }

    pub(in crate::cluster) fn float(&mut self, number: f64) {
        let Ok(()) = encode::write_f64(&mut self.bytes, number);
    }

    pub(in crate::cluster) fn text(&mut self, text: &str) {
        let Ok(()) = encode::write_str(&mut self.bytes, text);
    }

    pub(in crate::cluster) fn bytes(&mut self, bytes: &[u8]) {
        let Ok(()) = encode::write_bin(&mut self.bytes, bytes);
    }

    pub(in crate::cluster) fn list(&mut self, of: usize) {
        let Ok(_) = encode::write_array_len(&mut self.bytes, length(of));
    }

    pub(in crate::cluster) fn map(&mut self, of: usize) {
        let Ok(_) = encode::write_map_len(&mut self.bytes, length(of));
    }

    /// A key of a map; its value is written next.
    pub(in crate::cluster) fn key(&mut self, name: &str) -> &mut Self {
        self.text(name);
        self
    }

    pub(in crate::cluster) fn float_or_nil(&mut self, number: Option<f64>) {
        match number {
            Some(number) => self.float(number),
            None => self.nil(),
        }
    }

    pub(in crate::cluster) fn text_or_nil(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.nil(),
        }
    }

    /// Keys stay numbers, which JSON-minded writers get wrong.
    pub(in crate::cluster) fn counts(&mut self, counts: &BTreeMap<u64, u64>) {
        self.map(counts.len());
        for (key, count) in counts {
            self.whole(*key);
            self.whole(*count);
        }
    }

    pub(in crate::cluster) fn texts(&mut self, texts: &[String]) {
        self.list(texts.len());
        for text in texts {
            self.text(text);
        }
    }

    pub(in crate::cluster) fn classes(&mut self, counts: &BTreeMap<String, u64>) {
        self.map(counts.len());
        for (class, count) in counts {
            self.key(class).whole(*count);
        }
    }

    pub(in crate::cluster) fn value(&mut self, value: &Value) {
        match value {
            Value::Nil => self.nil(),
            Value::Bool(yes) => self.bool(*yes),
            Value::Unsigned(number) => self.whole(*number),
            Value::Signed(number) => self.signed(*number),
            Value::Float(number) => self.float(*number),
            Value::Text(text) => self.text(text),
            Value::Bytes(bytes) => self.bytes(bytes),
            Value::List(values) => {
                self.list(values.len());
                for value in values {
                    self.value(value);
                }
            }
            Value::Map(pairs) => {
                self.map(pairs.len());
                for (key, value) in pairs {
                    self.value(key);
                    self.value(value);
                }
            }
            Value::Ext(tag, bytes) => {
                let Ok(_) = encode::write_ext_meta(&mut self.bytes, length(bytes.len()), *tag);
                self.bytes.as_mut_vec().extend_from_slice(bytes);
            }
        }
    }
}
