//! Finding where a string may end: the first quote, backslash or control character, many bytes at a time.
//!
//! The only module of the event core with `unsafe`: vector loads, each after a check that the buffer holds them.
//! AVX2 is chosen at run time; SSE2 and NEON belong to their targets' baseline; elsewhere eight bytes are
//! looked at as one number. All of them answer the same, which a test checks against the plain loop.
#![allow(unsafe_code)]

/// One way of looking at [`Lanes::WIDTH`] bytes at once.
pub(crate) trait Lanes {
    /// How many bytes one look takes.
    const WIDTH: usize;

    /// A mask with its lowest set bit, divided by [`Lanes::SHIFT`]'s power of two, at the first byte that is a
    /// quote, a backslash or below 0x20; 0 if there is none.
    ///
    /// # Safety
    /// `at` points to at least `WIDTH` readable bytes, and the machine has the vector extension.
    unsafe fn stops(at: *const u8) -> u64;

    /// How many mask bits stand for one byte, as a power of two.
    const SHIFT: u32;
}

/// The first stop at or after `from` in `buffer`; its length if there is none.
///
/// Sound only where `L`'s vector extension is there, which is why callers outside this module name it by
/// [`with_best`].
#[inline(always)]
pub(crate) fn find_stop<L: Lanes>(buffer: &[u8], from: usize) -> usize {
    let mut at = from;
    while at + L::WIDTH <= buffer.len() {
        // SAFETY: the loop's condition leaves WIDTH bytes from `at`; `with_best` chose a set that the machine has.
        let mask = unsafe { L::stops(buffer.as_ptr().add(at)) };
        if mask != 0 {
            return at + (mask.trailing_zeros() >> L::SHIFT) as usize;
        }
        at += L::WIDTH;
    }
    while let Some(byte) = buffer.get(at) {
        if matches!(byte, b'"' | b'\\' | 0..0x20) {
            return at;
        }
        at += 1;
    }
    buffer.len()
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    use super::Lanes;
    use std::arch::x86_64::*;

    /// 32 bytes at once. Only named under `#[target_feature(enable = "avx2")]`.
    pub(crate) struct Avx2;

    impl Lanes for Avx2 {
        const WIDTH: usize = 32;
        const SHIFT: u32 = 0;

        #[inline(always)]
        unsafe fn stops(at: *const u8) -> u64 {
            // SAFETY: 32 readable bytes and AVX2, says the caller; the load needs no alignment.
            unsafe {
                let bytes = _mm256_loadu_si256(at.cast());
                let quote = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'"' as i8));
                let backslash = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'\\' as i8));
                // Unsigned "below 0x20": the smaller of the byte and 0x1f is the byte itself.
                let control = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)), bytes);
                let any = _mm256_or_si256(_mm256_or_si256(quote, backslash), control);
                u64::from(_mm256_movemask_epi8(any) as u32)
            }
        }
    }

    /// 16 bytes at once: every x86-64 machine has it.
    pub(crate) struct Sse2;

    impl Lanes for Sse2 {
        const WIDTH: usize = 16;
        const SHIFT: u32 = 0;

        #[inline(always)]
        unsafe fn stops(at: *const u8) -> u64 {
            // SAFETY: 16 readable bytes, says the caller; SSE2 is part of x86-64; the load needs no alignment.
            unsafe {
                let bytes = _mm_loadu_si128(at.cast());
                let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"' as i8));
                let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\' as i8));
                let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
                let any = _mm_or_si128(_mm_or_si128(quote, backslash), control);
                u64::from(_mm_movemask_epi8(any) as u32)
            }
        }
    }
}

#[cfg(target_arch = "aarch64")]
pub(crate) mod arm {
    use super::Lanes;
    use std::arch::aarch64::*;

    /// 16 bytes at once: every 64-bit Arm machine has it.
    pub(crate) struct Neon;

    impl Lanes for Neon {
        const WIDTH: usize = 16;
        const SHIFT: u32 = 2;

        #[inline(always)]
        unsafe fn stops(at: *const u8) -> u64 {
            // SAFETY: 16 readable bytes, says the caller; NEON is part of AArch64; the load needs no alignment.
            unsafe {
                let bytes = vld1q_u8(at);
                let quote = vceqq_u8(bytes, vdupq_n_u8(b'"'));
                let backslash = vceqq_u8(bytes, vdupq_n_u8(b'\\'));
                let control = vcltq_u8(bytes, vdupq_n_u8(0x20));
                let any = vorrq_u8(vorrq_u8(quote, backslash), control);
                // NEON has no movemask: shifting each pair right by four and narrowing leaves four bits a byte.
                let nibbles = vshrn_n_u16::<4>(vreinterpretq_u16_u8(any));
                vget_lane_u64::<0>(vreinterpret_u64_u8(nibbles))
            }
        }
    }
}

/// Eight bytes at once, as one number, on every machine.
#[cfg(any(test, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub(crate) struct Portable;

#[cfg(any(test, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
impl Lanes for Portable {
    const WIDTH: usize = 8;
    const SHIFT: u32 = 3;

    #[inline(always)]
    unsafe fn stops(at: *const u8) -> u64 {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const HIGH: u64 = 0x8080_8080_8080_8080;
        // SAFETY: 8 readable bytes, says the caller; the read needs no alignment.
        let word = u64::from_le(unsafe { at.cast::<u64>().read_unaligned() });
        // The high bit of each byte that is zero: exact up to and including the lowest such byte, and the lowest
        // is all that is asked for.
        let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\'))) | control
    }
}

/// Eight bytes from `at` as a little-endian number, if the buffer holds them.
#[inline(always)]
pub(crate) fn word_at(buffer: &[u8], at: usize) -> Option<u64> {
    let bytes: [u8; 8] = buffer.get(at..at + 8)?.try_into().ok()?;
    Some(u64::from_le_bytes(bytes))
}

/// Defines a function that runs `$($body)::+::<L>` with the best [`Lanes`] this machine has. The body must be
/// `#[inline(always)]` all the way down, so that it is compiled once for each set of instructions.
macro_rules! with_best {
    ($(#[$doc:meta])* $visibility:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $result:ty = $($body:ident)::+) => {
        $(#[$doc])*
        #[inline]
        #[allow(unsafe_code)]
        $visibility fn $name($($arg: $type),*) -> $result {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
                fn avx2($($arg: $type),*) -> $result {
                    $($body)::+::<$crate::event::simd::x86::Avx2>($($arg),*)
                }
                if $crate::event::simd::has_avx2() {
                    // SAFETY: the machine was just found to have every feature that the function enables.
                    return unsafe { avx2($($arg),*) };
                }
                $($body)::+::<$crate::event::simd::x86::Sse2>($($arg),*)
            }
            #[cfg(target_arch = "aarch64")]
            {
                $($body)::+::<$crate::event::simd::arm::Neon>($($arg),*)
            }
            #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
            {
                $($body)::+::<$crate::event::simd::Portable>($($arg),*)
            }
        }
    };
}
pub(crate) use with_best;

/// Whether the machine has what the AVX2 code is compiled for. The standard library keeps the answer.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("bmi1")
        && std::arch::is_x86_feature_detected!("bmi2")
        && std::arch::is_x86_feature_detected!("lzcnt")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(buffer: &[u8], from: usize) -> usize {
        (from..buffer.len()).find(|&at| matches!(buffer[at], b'"' | b'\\' | 0..0x20)).unwrap_or(buffer.len())
    }

    with_best! {
        fn best(buffer: &[u8], from: usize) -> usize = find_stop
    }

    proptest! {
        #[test]
        fn every_way_of_looking_sees_the_same(
            mut buffer in prop::collection::vec(prop_oneof![8 => 0x20u8..=0xff, 1 => any::<u8>()], 0..200),
            from in 0usize..40,
        ) {
            let from = from.min(buffer.len());
            buffer.retain(|byte| *byte != 0x7f || from % 2 == 0);
            let from = from.min(buffer.len());
            let expected = plain(&buffer, from);
            prop_assert_eq!(best(&buffer, from), expected);
            prop_assert_eq!(find_stop::<Portable>(&buffer, from), expected);
            #[cfg(target_arch = "x86_64")]
            prop_assert_eq!(find_stop::<x86::Sse2>(&buffer, from), expected);
        }
    }

    #[test]
    fn each_byte_alone_is_seen_at_each_place() {
        for byte in 0..=255u8 {
            for at in 0..70 {
                let mut buffer = vec![b'x'; 70];
                buffer[at] = byte;
                let expected = plain(&buffer, 0);
                assert_eq!(best(&buffer, 0), expected, "{byte} at {at}");
                assert_eq!(find_stop::<Portable>(&buffer, 0), expected, "{byte} at {at}");
            }
        }
    }
}
