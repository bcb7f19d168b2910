//! The code in which HPACK shortens strings (RFC 7541, section 5.2 and appendix B).
//!
//! The code is canonical: of two codes, the longer has the larger value, and those of one length are in the order of
//! their symbols. So the lengths alone tell all of it. Only reading is needed: what we say is said once for each
//! connection as a rule, and plain strings are always allowed.

/// How many bits the code of each byte has; at last comes the symbol that ends a string, which is never written.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5,
    5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6,
    6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22,
    23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22,
    21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20,
    22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19,
    21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22,
    22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];
const END: u16 = 256;
const LONGEST: usize = 30;

/// A symbol and the bits of its code; no bits where the code is longer than what was looked at.
#[derive(Clone, Copy)]
struct Short {
    symbol: u8,
    bits: u8,
}

/// The codes of one length: the first one, how many there are, and where their symbols begin among all in order.
#[derive(Clone, Copy)]
struct Group {
    first: u32,
    count: u32,
    symbols: u32,
}

/// By the next eight bits: all codes of text that is not exotic are among these.
static SHORT: [Short; 256] = short();
/// By length.
static GROUPS: [Group; LONGEST + 1] = groups();
/// All symbols in the order of their codes.
static SYMBOLS: [u16; 257] = symbols();

const fn groups() -> [Group; LONGEST + 1] {
    let mut groups = [Group { first: 0, count: 0, symbols: 0 }; LONGEST + 1];
    let mut symbol = 0;
    while symbol < LENGTHS.len() {
        groups[LENGTHS[symbol] as usize].count += 1;
        symbol += 1;
    }
    let mut length = 1;
    while length <= LONGEST {
        let Group { first, count, symbols } = groups[length - 1];
        groups[length].first = (first + count) << 1;
        groups[length].symbols = symbols + count;
        length += 1;
    }
    groups
}

#[expect(clippy::cast_possible_truncation, reason = "257 symbols at most")]
const fn symbols() -> [u16; 257] {
    let mut symbols = [0; 257];
    let (mut length, mut at) = (1, 0);
    while length <= LONGEST {
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == length {
                symbols[at] = symbol as u16;
                at += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    symbols
}

#[expect(clippy::cast_possible_truncation, reason = "symbols of short codes are bytes")]
const fn short() -> [Short; 256] {
    let (groups, symbols) = (groups(), symbols());
    let mut short = [Short { symbol: 0, bits: 0 }; 256];
    let mut length = 1;
    while length <= 8 {
        let Group { first, count, symbols: from } = groups[length];
        let mut nth = 0;
        while nth < count {
            // All bytes that begin with this code.
            let spare = 8 - length;
            let mut tail = 0;
            while tail < 1 << spare {
                let byte = (((first + nth) << spare) | tail) as usize;
                short[byte] =
                    Short { symbol: symbols[(from + nth) as usize] as u8, bits: length as u8 };
                tail += 1;
            }
            nth += 1;
        }
        length += 1;
    }
    short
}

/// Appends what `coded` stands for to `out`; `None` where it is not in this code.
pub(super) fn decode(coded: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut input = coded.iter();
    // The lowest `held` bits of `bits` are those that were read and not used.
    let (mut bits, mut held) = (0u64, 0u32);
    loop {
        while held <= 56
            && let Some(&byte) = input.next()
        {
            bits = bits << 8 | u64::from(byte);
            held += 8;
        }
        // Behind the last bit of a string there are ones (RFC 7541, section 5.2).
        let next = if held >= 8 { bits >> (held - 8) } else { bits << (8 - held) | 0xff >> held };
        let Short { symbol, bits: length } = SHORT[(next & 0xff) as usize];
        let length = u32::from(length);
        if length != 0 && length <= held {
            out.push(symbol);
            held -= length;
        } else if held < 8 {
            let padding = (1 << held) - 1;
            return (bits & padding == padding).then_some(());
        } else {
            let (symbol, length) = long(bits, held)?;
            out.push(symbol);
            held -= length;
        }
    }
}

/// A code of more than eight bits.
fn long(bits: u64, held: u32) -> Option<(u8, u32)> {
    (9..=held.min(30)).find_map(|length| {
        let code = u32::try_from(bits >> (held - length) & ((1 << length) - 1)).ok()?;
        let Group { first, count, symbols } = GROUPS[length as usize];
        let nth = code.checked_sub(first).filter(|nth| *nth < count)?;
        let symbol = SYMBOLS[(symbols + nth) as usize];
        (symbol != END).then_some((u8::try_from(symbol).ok()?, length))
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;

    use super::*;

    fn decoded(coded: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        decode(coded, &mut out).map(|()| out)
    }

    /// Writes as a server would.
    fn encoded(text: &[u8]) -> Vec<u8> {
        let mut bits = String::new();
        for &byte in text {
            let length = usize::from(LENGTHS[usize::from(byte)]);
            let group = GROUPS[length];
            let place = SYMBOLS.iter().position(|symbol| *symbol == u16::from(byte)).unwrap();
            let code = group.first + u32::try_from(place).unwrap() - group.symbols;
            write!(bits, "{code:0length$b}").unwrap();
        }
        while !bits.len().is_multiple_of(8) {
            bits.push('1');
        }
        let bytes = bits.as_bytes().chunks(8).map(|eight| str::from_utf8(eight).unwrap());
        bytes.map(|eight| u8::from_str_radix(eight, 2).unwrap()).collect()
    }

    #[test]
    fn examples_of_the_standard() {
        // RFC 7541, appendices C.4 and C.6.
        for (coded, text) in [
            (
                &[0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff][..],
                "www.example.com",
            ),
            (&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf], "no-cache"),
            (&[0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xa9, 0x7d, 0x7f], "custom-key"),
            (&[0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xb8, 0xe8, 0xb4, 0xbf], "custom-value"),
            (&[0x64, 0x02], "302"),
            (
                &[
                    0xd0, 0x7a, 0xbe, 0x94, 0x10, 0x54, 0xd4, 0x44, 0xa8, 0x20, 0x05, 0x95, 0x04,
                    0x0b, 0x81, 0x66, 0xe0, 0x82, 0xa6, 0x2d, 0x1b, 0xff,
                ],
                "Mon, 21 Oct 2013 20:13:21 GMT",
            ),
        ] {
            assert_eq!(decoded(coded).unwrap(), text.as_bytes());
            assert_eq!(encoded(text.as_bytes()), coded);
        }
    }

    #[test]
    fn what_is_not_in_the_code_is_refused() {
        // Eight bits of padding, padding with zeros, the end's own code, and half a code.
        for coded in
            [&[0xff][..], &[0x00, 0x00], &[0xff; 4], &[0xff, 0xff, 0xff, 0xfc], &[0xff, 0xc0]]
        {
            assert_eq!(decoded(coded), None, "{coded:x?}");
        }
        assert_eq!(decoded(&[]).unwrap(), b"");
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(text in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(decoded(&encoded(&text)), Some(text));
        }

        #[test]
        fn no_bytes_are_trouble(coded in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Some(text) = decoded(&coded) {
                prop_assert_eq!(encoded(&text), coded);
            }
        }
    }
}
