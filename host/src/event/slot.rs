//! Where a field lies in a row's text: what the one pass notes down and what reading and editing start from.

/// What a slot's value is. The pass tells strings with escapes apart, because the others are copied as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum SlotKind {
    /// The event has no such field.
    #[default]
    Absent,
    /// A string without escapes.
    Text,
    /// A string with at least one escape.
    EscapedText,
    /// A number.
    Number,
    /// `true`
    True,
    /// `false`
    False,
    /// `null`
    Null,
    /// An object.
    Object,
    /// An array.
    Array,
}

/// Where one asked field lies, in bytes from the row's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// The opening quote of its key.
    pub key: u32,
    /// The value's first byte.
    pub start: u32,
    /// One past the value's last byte.
    pub end: u32,
    /// What the value is.
    pub kind: SlotKind,
}

impl Slot {
    /// The value's text within its row.
    #[inline]
    pub fn value<'t>(&self, row: &'t [u8]) -> &'t [u8] {
        row.get(self.start as usize..self.end as usize).unwrap_or(&[])
    }

    /// The text between the quotes; only for the two kinds of string.
    #[inline]
    pub fn inner<'t>(&self, row: &'t [u8]) -> &'t [u8] {
        row.get(self.start as usize + 1..(self.end as usize).saturating_sub(1)).unwrap_or(&[])
    }
}
