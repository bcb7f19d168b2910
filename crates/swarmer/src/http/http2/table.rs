//! What HPACK has numbers for: fields that both sides know from the beginning, and those that were said on a connection
//! (RFC 7541, section 2.3 and appendix A).

use std::collections::VecDeque;

/// What a table may hold, in bytes as [`Held::size`] counts them, unless the other side names another limit.
pub(super) const LIMIT: usize = 4096;
/// What each field costs beside its name and value (RFC 7541, section 4.1).
pub(super) const OVERHEAD: usize = 32;

/// Known from the beginning, beginning with number 1.
pub(super) static FIXED: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

/// A field of a table.
pub(super) trait Held {
    /// Its bytes as the standard counts them.
    fn size(&self) -> usize;
}

/// Fields that were said on a connection, in their order, as many of the latest as the limit has room for.
#[derive(Debug)]
pub(super) struct Table<F> {
    fields: VecDeque<F>,
    size: usize,
    limit: usize,
}

impl<F: Held> Table<F> {
    pub(super) fn new() -> Self {
        Self { fields: VecDeque::new(), size: 0, limit: LIMIT }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
        self.make_room(0);
    }

    /// Keeps a field; one that is larger than the whole table empties it (RFC 7541, section 4.4).
    pub(super) fn keep(&mut self, field: F) {
        let size = field.size();
        self.make_room(size);
        if size <= self.limit {
            self.size += size;
            self.fields.push_back(field);
        }
    }

    fn make_room(&mut self, size: usize) {
        while self.size + size > self.limit
            && let Some(oldest) = self.fields.pop_front()
        {
            self.size -= oldest.size();
        }
    }

    /// The field with this number, counted as on the wire: the latest comes right behind those known from the beginning.
    pub(super) fn get(&self, number: usize) -> Option<&F> {
        let back = number.checked_sub(FIXED.len() + 1)?;
        self.fields.get(self.fields.len().checked_sub(back + 1)?)
    }

    /// The fields, the oldest first.
    pub(super) fn fields(&self) -> &VecDeque<F> {
        &self.fields
    }

    /// The number of the field at this place among [`fields`](Self::fields).
    pub(super) fn number(&self, place: usize) -> usize {
        FIXED.len() + self.fields.len() - place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Held for usize {
        fn size(&self) -> usize {
            *self
        }
    }

    #[test]
    fn the_latest_stay_and_are_counted_backwards() {
        let mut table = Table::new();
        for size in [2000, 1000, 1096, 1] {
            table.keep(size);
        }
        assert_eq!(table.fields(), &[1000, 1096, 1]);
        assert_eq!([62, 64].map(|number| table.get(number).copied()), [Some(1), Some(1000)]);
        assert_eq!([0, 61, 65, usize::MAX].map(|number| table.get(number)), [None; 4]);
        assert_eq!((table.number(2), table.number(0)), (62, 64));
        table.set_limit(1100);
        assert_eq!(table.fields(), &[1096, 1]);
        table.keep(1101);
        assert!(table.fields().is_empty());
        table.keep(1100);
        assert_eq!(table.fields(), &[1100]);
    }
}
