//! The header section: rows in their order, unknown ones among them (RFC 3261 §7.3).
//!
//! A row's value is kept as text; [`typed`](super::typed) reads it when somebody asks.

use super::HeaderName;
use super::scan::Values;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: HeaderName,
    /// Its value: unfolded, without white space at the ends.
    pub value: String,
}

/// The rows of a message. Content-Length is not among them: [`Message::write`](super::Message::write) makes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    rows: Vec<Header>,
}

impl Headers {
    /// No rows.
    #[must_use]
    pub const fn new() -> Self {
        Self { rows: Vec::new() }
    }

    pub(super) fn with_capacity(rows: usize) -> Self {
        Self { rows: Vec::with_capacity(rows) }
    }

    /// The first value of a name.
    #[must_use]
    pub fn get(&self, name: &HeaderName) -> Option<&str> {
        self.rows.iter().find(|row| row.name == *name).map(|row| row.value.as_str())
    }

    /// The values of all rows of a name.
    pub fn get_all<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
        self.rows.iter().filter(move |row| row.name == *name).map(|row| row.value.as_str())
    }

    /// The items of all rows of a name, taken apart at their commas (RFC 3261 §7.3.1).
    pub fn values<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
        self.get_all(name).flat_map(Values::new)
    }

    /// Whether there is a row of a name.
    #[must_use]
    pub fn has(&self, name: &HeaderName) -> bool {
        self.get(name).is_some()
    }

    /// Adds a row at the end.
    pub fn push(&mut self, name: HeaderName, value: impl Into<String>) {
        self.rows.push(Header { name, value: value.into() });
    }

    /// Adds a row before all others, as a proxy does with its Via.
    pub fn push_front(&mut self, name: HeaderName, value: impl Into<String>) {
        self.rows.insert(0, Header { name, value: value.into() });
    }

    /// Replaces all rows of a name by one, in the place of the first of them.
    pub fn set(&mut self, name: HeaderName, value: impl Into<String>) {
        self.set_text(name, value.into());
    }

    fn set_text(&mut self, name: HeaderName, value: String) {
        match self.rows.iter().position(|row| row.name == name) {
            None => self.rows.push(Header { name, value }),
            Some(place) => {
                let mut index = 0;
                self.rows.retain(|row| {
                    index += 1;
                    index <= place + 1 || row.name != name
                });
                if let Some(row) = self.rows.get_mut(place) {
                    row.value = value;
                }
            }
        }
    }

    /// Removes all rows of a name.
    pub fn remove(&mut self, name: &HeaderName) {
        self.rows.retain(|row| row.name != *name);
    }

    /// Keeps the rows that satisfy a condition.
    pub fn retain(&mut self, keep: impl FnMut(&Header) -> bool) {
        self.rows.retain(keep);
    }

    /// Removes the first value of a name, of a row that may hold several, and returns it.
    pub fn remove_first(&mut self, name: &HeaderName) -> Option<String> {
        let place = self.rows.iter().position(|row| row.name == *name)?;
        let row = self.rows.get_mut(place)?;
        let mut values = Values::new(&row.value);
        let first = values.next()?.to_owned();
        let rest: Vec<&str> = values.collect();
        match rest.is_empty() {
            true => drop(self.rows.remove(place)),
            false => row.value = rest.join(", "),
        }
        Some(first)
    }

    /// Removes the rows without a value.
    pub(crate) fn remove_empty(&mut self) {
        self.rows.retain(|row| !row.value.is_empty());
    }

    /// How many rows there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows in order.
    pub fn iter(&self) -> core::slice::Iter<'_, Header> {
        self.rows.iter()
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = &'a Header;
    type IntoIter = core::slice::Iter<'a, Header>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Extend<(HeaderName, String)> for Headers {
    fn extend<T: IntoIterator<Item = (HeaderName, String)>>(&mut self, rows: T) {
        self.rows.extend(rows.into_iter().map(|(name, value)| Header { name, value }));
    }
}

impl FromIterator<(HeaderName, String)> for Headers {
    fn from_iter<T: IntoIterator<Item = (HeaderName, String)>>(rows: T) -> Self {
        let mut headers = Self::new();
        headers.extend(rows);
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vias() -> Headers {
        let mut headers = Headers::new();
        headers.push(HeaderName::Via, "a, b");
        headers.push(HeaderName::From, "f");
        headers.push(HeaderName::Via, "c");
        headers
    }

    #[test]
    fn values_walk_rows_and_commas() {
        let headers = vias();

        assert_eq!(headers.values(&HeaderName::Via).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(headers.get_all(&HeaderName::Via).collect::<Vec<_>>(), ["a, b", "c"]);
    }

    #[test]
    fn set_keeps_the_first_place() {
        let mut headers = vias();

        headers.set(HeaderName::Via, "x");
        headers.set(HeaderName::To, "t");

        let rows: Vec<_> = headers.iter().map(|row| row.value.as_str()).collect();
        assert_eq!(rows, ["x", "f", "t"]);
    }

    #[test]
    fn remove_first_takes_one_value() {
        let mut headers = vias();

        assert_eq!(headers.remove_first(&HeaderName::Via).as_deref(), Some("a"));
        assert_eq!(headers.remove_first(&HeaderName::Via).as_deref(), Some("b"));
        assert_eq!(headers.get(&HeaderName::Via), Some("c"));
        assert_eq!(headers.len(), 2);
    }
}
