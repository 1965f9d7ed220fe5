//! Numbers as text, digit for digit as in Python and NumPy: the shortest text that is read as the same number of the
//! same width.

use std::io::{self, Write};

/// Writes an integer.
pub(crate) fn write_int(number: impl itoa::Integer, out: &mut impl Write) -> io::Result<()> {
    out.write_all(itoa::Buffer::new().format(number).as_bytes())
}

/// Writes a finite `f64` as Python's `repr` does: with an exponent below 0.0001 and from 1e16 on.
#[inline]
pub(crate) fn write_f64(number: f64, out: &mut impl Write) -> io::Result<()> {
    write_float(number, number, 1e16, out)
}

/// Writes a finite `f32` as `str` does in NumPy: with an exponent below 0.0001 and from 1e6 on.
#[inline]
pub(crate) fn write_f32(number: f32, out: &mut impl Write) -> io::Result<()> {
    write_float(number, number.into(), 1e6, out)
}

#[inline]
fn write_float(number: impl zmij::Float, value: f64, large: f64, out: &mut impl Write) -> io::Result<()> {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(number).as_bytes();
    let exponential = value != 0.0 && (value.abs() < 1e-4 || value.abs() >= large);
    // Nearly all are the same in both.
    match text.iter().position(|&byte| byte == b'e') {
        None if !exponential => out.write_all(text),
        None => write_laid_out(text, b"0", exponential, out),
        Some(e) => write_laid_out(&text[..e], &text[e + 1..], exponential, out),
    }
}

/// Writes `number`, digits with or without a decimal point, times ten to the power of `exponent`, in Python's layout.
fn write_laid_out(number: &[u8], exponent: &[u8], exponential: bool, out: &mut impl Write) -> io::Result<()> {
    let (sign, number) = number.split_at(usize::from(number.first() == Some(&b'-')));
    let mut digits = [0_u8; 32];
    let (mut count, mut point, mut leading) = (0, 0_i32, true);
    let mut behind = false;
    for &byte in number {
        match byte {
            b'.' => behind = true,
            b'0' if leading => point -= i32::from(behind),
            digit => {
                leading = false;
                digits[count] = digit;
                count += 1;
                point += i32::from(!behind);
            }
        }
    }
    while count > 1 && digits[count - 1] == b'0' {
        count -= 1;
    }
    let digits = &digits[..count];
    let exponent: i32 = std::str::from_utf8(exponent).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    // The digits stand behind a point, times ten to this power.
    let point = point + exponent;
    out.write_all(sign)?;
    if !exponential {
        const ZEROS: &[u8] = b"00000000000000000";
        return match usize::try_from(point) {
            Ok(0) | Err(_) => {
                out.write_all(b"0.")?;
                out.write_all(&ZEROS[..point.unsigned_abs() as usize])?;
                out.write_all(digits)
            }
            Ok(whole) if whole >= count => {
                out.write_all(digits)?;
                out.write_all(&ZEROS[..whole - count])?;
                out.write_all(b".0")
            }
            Ok(whole) => {
                out.write_all(&digits[..whole])?;
                out.write_all(b".")?;
                out.write_all(&digits[whole..])
            }
        };
    }
    out.write_all(&digits[..1])?;
    if count > 1 {
        out.write_all(b".")?;
        out.write_all(&digits[1..])?;
    }
    let exponent = point - 1;
    out.write_all(if exponent < 0 { b"e-" } else { b"e+" })?;
    if exponent.abs() < 10 {
        out.write_all(b"0")?;
    }
    write_int(exponent.abs(), out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl Fn(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Compares with the output of Python 3.13 and NumPy 2.4.
    #[test]
    fn floats_are_laid_out_as_in_python() {
        for (number, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (-0.1, "-0.1"),
            (0.0001, "0.0001"),
            (-0.00012, "-0.00012"),
            (0.00001, "1e-05"),
            (0.0000999, "9.99e-05"),
            (-1.25e-7, "-1.25e-07"),
            (5e-324, "5e-324"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1.5e16, "1.5e+16"),
            (1e22, "1e+22"),
            (1e100, "1e+100"),
            (f64::MAX, "1.7976931348623157e+308"),
            (123_456_789.125, "123456789.125"),
        ] {
            assert_eq!(self::text(|out| write_f64(number, out)), text);
        }
        for (number, text) in [
            (16_777_216.0_f32, "1.6777216e+07"),
            (999_999.0, "999999.0"),
            (-123_456.7, "-123456.7"),
            (1e6, "1e+06"),
            (1e-4, "1e-04"),
            (0.000_100_1, "0.0001001"),
            (0.0, "0.0"),
            (1e16, "1e+16"),
            (0.000_012_3, "1.23e-05"),
            (1e-45, "1e-45"),
            (f32::MAX, "3.4028235e+38"),
        ] {
            assert_eq!(self::text(|out| write_f32(number, out)), text);
        }
    }
}
