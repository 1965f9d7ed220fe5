use super::unit::*;
use super::*;
use crate::element::endian::{Be, Le};
use crate::error::ErrorKind;
use std::time::{Duration, SystemTime};

fn text<U: Unit>(count: i64) -> String {
    DateTime64::<U>::new(count).to_string()
}

/// Returns the text of the time or of the error.
fn read<U: Unit>(text: &str) -> String {
    text.parse::<DateTime64<U>>().map_or_else(|error| error.to_string(), |time| time.to_string())
}

// The texts below are NumPy 2.4.6's.

#[test]
fn every_unit_prints_to_its_own_precision() {
    assert_eq!((text::<Year>(0), text::<Year>(-1), text::<Year>(-1970)), ("1970".into(), "1969".into(), "0000".into()));
    assert_eq!(text::<Month>(-1), "1969-12");
    assert_eq!(text::<Week>(-1), "1969-12-25");
    assert_eq!(text::<Day>(18_326), "2020-03-05");
    assert_eq!(text::<Hour>(-1), "1969-12-31T23");
    assert_eq!(text::<Minute>(123_456_789), "2204-09-24T21:09");
    assert_eq!(text::<Second>(123_456_789), "1973-11-29T21:33:09");
    assert_eq!(text::<Millisecond>(-123_456_789), "1969-12-30T13:42:23.211");
    assert_eq!(text::<Microsecond>(1), "1970-01-01T00:00:00.000001");
    assert_eq!(text::<Nanosecond>(i64::MAX), "2262-04-11T23:47:16.854775807");
    assert_eq!(text::<Picosecond>(-i64::MAX), "1969-09-16T05:57:07.963145224193");
    assert_eq!(text::<Femtosecond>(i64::MAX), "1970-01-01T02:33:43.372036854775807");
    assert_eq!(text::<Attosecond>(-1), "1969-12-31T23:59:59.999999999999999999");
    assert_eq!(DateTime64::<Second, 25>::new(2).to_string(), "1970-01-01T00:00:50");
    assert_eq!(text::<Day>(i64::MIN), "NaT");
}

#[test]
fn years_have_four_places_or_more_and_a_sign_is_one() {
    assert_eq!(text::<Year>(-1971), "-001");
    assert_eq!(text::<Year>(-1970 - 12_345), "-12345");
    assert_eq!(text::<Day>(123_456_789), "339983-03-18");
    assert_eq!(text::<Week>(-123_456_789), "-2364123-07-19");
    assert_eq!(text::<Second>(-i64::MAX), "-292277022657-01-27T08:29:53");
}

#[test]
fn what_overflows_in_numpy_is_right_here() {
    assert_eq!(text::<Year>(i64::MAX), "9223372036854777777");
    assert_eq!(text::<Day>(i64::MAX), "25252734927768524-07-27");
    assert_eq!(text::<Week>(i64::MAX), "176769144494367851-12-25");
    let largest = DateTime64::<Year, { i32::MAX as u32 }>::new(i64::MAX);
    assert_eq!(largest.to_string(), "19807040619342712359383730099");
    assert_eq!(largest.to_unit::<Day, 1>().count(), i64::MIN);
}

#[test]
fn spans_print_as_numbers_of_units() {
    assert_eq!(TimeDelta64::<Day>::new(1).to_string(), "1 days");
    assert_eq!(TimeDelta64::<Week, 25>::new(-3).to_string(), "-75 weeks");
    assert_eq!(TimeDelta64::<Generic>::new(5).to_string(), "5 generic time units");
    assert_eq!(format!("{:>5}|{:?}", TimeDelta64::<Day>::NAT, TimeDelta64::<Day>::new(2)), "  NaT|2 days");
}

#[test]
fn texts_are_read_as_numpy_reads_them() {
    assert_eq!(read::<Second>("2020"), "2020-01-01T00:00:00");
    assert_eq!(read::<Second>("2020-03"), "2020-03-01T00:00:00");
    assert_eq!(read::<Second>("2020-02-29 05"), "2020-02-29T05:00:00");
    assert_eq!(read::<Second>("2020-01-01T05:06:07"), "2020-01-01T05:06:07");
    assert_eq!(read::<Millisecond>("2020-01-01T05:06:07."), "2020-01-01T05:06:07.000");
    assert_eq!(read::<Attosecond>("1970-01-01T00:00:01.123456789012345678"), "1970-01-01T00:00:01.123456789012345678");
    assert_eq!(read::<Day>("-0001-01-01"), "-001-01-01");
    assert_eq!(read::<Day>("+10000-01-01"), "10000-01-01");
    assert_eq!(read::<Day>("5"), "0005-01-01");
    assert_eq!(read::<Year>("20200101"), "20200101");
    assert_eq!(read::<Second>("292277026596-12-04T15:30:07"), "292277026596-12-04T15:30:07");
    assert_eq!(
        (read::<Day>(""), read::<Day>("nat"), read::<Generic>("NaT")),
        ("NaT".into(), "NaT".into(), "NaT".into())
    );
}

#[test]
fn what_is_finer_than_the_unit_is_cut_off_towards_the_past() {
    assert_eq!(read::<Day>("2020-03-05T13:17:09.5"), "2020-03-05");
    assert_eq!(read::<Week>("2020"), "2019-12-26");
    assert_eq!(read::<Week>("1960-02-03"), "1960-01-28");
    assert_eq!(read::<Second>("1969-12-30T23:59:59.999999999"), "1969-12-30T23:59:59");
    assert_eq!(read::<Year>("1969-12-30"), "1969");
    assert_eq!("2020-03-05T13:17".parse::<DateTime64<Second, 25>>().unwrap().to_string(), "2020-03-05T13:16:40");
    assert_eq!("1969-12-30".parse::<DateTime64<Month, 3>>().unwrap().to_string(), "1969-10");
}

#[test]
fn what_is_no_date_is_refused() {
    for text in [
        "2020-1-1",
        "2020-13-01",
        "2020-00-01",
        "2020-02-30",
        "2019-02-29",
        "1900-02-29",
        "2020-01-00",
        "2020-0102",
        "2020-",
        "2020-01-",
        "2020-01-01T",
        "2020-01-01t05",
        "2020-01-01T5",
        "2020-01-01T24",
        "2020-01-01T05:60",
        "2020-01-01T05:06:60",
        "2020-01-01T0506",
        "2020-01-01T05:",
        "2020-01-01T05:06.5",
        "2020-01-01T05:06:07,5",
        "2020-01-01T05:06:07.1234567890123456789",
        "2020-W01",
        "2020-001",
        "2020/01/01",
        "2020.5",
        "-",
        "--",
        "+-5",
        "today",
        " 2020",
        "2020 ",
        "2020-01-01\n",
        "2020-01-01T05 ",
        "٢٠٢٠",
        "2020-01-0é",
        "99999999999999999999",
        // NumPy reads the next with a warning.
        "2020-01-01T05Z",
        "2020-01-01T05:06:07Z",
        "2020-01-01T05:06:07+01:00",
    ] {
        let error = text.parse::<DateTime64<Nanosecond>>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidValue, "{text}");
    }
    assert_eq!(
        read::<Day>("2020-02-30"),
        "\"2020-02-30\" is not a date or time, from byte 8 on; the format is 2020-12-31 or 2020-12-31T23:59:59.5"
    );
    assert!(read::<Day>("2020-01-01T05Z").contains("time zones are not supported"));
    assert!(read::<Day>("2020-01-01T05+01:00").contains("convert it to UTC"));
    assert!(read::<Day>(&"é".repeat(1 << 20)).len() < 300);
}

#[test]
fn what_64_bits_do_not_hold_is_refused() {
    assert_eq!(
        read::<Nanosecond>("3000-01-01"),
        "3000-01-01 is outside the range of 64 bits that count nanoseconds since 1970"
    );
    assert!(read::<Second>("292277026596-12-04T15:30:08").contains("outside the range"));
    assert!(read::<Generic>("2020").contains("outside the range"));
    assert_eq!(read::<Nanosecond>("1677-09-21T00:12:43.145224193"), "1677-09-21T00:12:43.145224193");
    // One less is the number that means NaT.
    assert!(read::<Nanosecond>("1677-09-21T00:12:43.145224192").contains("outside the range"));
}

#[test]
fn every_day_of_800_years_comes_back() {
    let mut last = String::new();
    for count in -146_097..146_097 {
        let day = DateTime64::<Day>::new(count);
        let text = day.to_string();
        assert_eq!(text.parse::<DateTime64<Day>>().unwrap().count(), count);
        assert!(text > last, "{text} after {last}");
        last = text;
    }
}

#[test]
fn nat_is_equal_to_nothing_and_sorts_last() {
    let (nat, one, two) = (DateTime64::<Second>::NAT, DateTime64::new(1), DateTime64::new(2));
    assert!(nat != nat && nat.partial_cmp(&one).is_none() && nat.is_nat());
    assert!(one < two && one == DateTime64::new(1));
    let mut times = [nat, two, DateTime64::new(i64::MIN + 1), nat, one, DateTime64::new(i64::MAX)];
    times.sort_by(DateTime64::total_cmp);
    assert_eq!(times.map(|time| time.count()), [i64::MIN + 1, 1, 2, i64::MAX, i64::MIN, i64::MIN]);
}

#[test]
fn arithmetic_goes_to_nat_and_never_panics() {
    let (time, span) = (DateTime64::<Second>::new(5), TimeDelta64::<Second>::new(3));
    assert_eq!((time + span, time - span, time - (time - span)), (DateTime64::new(8), DateTime64::new(2), span));
    assert_eq!(
        (span + span, span - span, -span, span * 4),
        (TimeDelta64::new(6), TimeDelta64::new(0), TimeDelta64::new(-3), TimeDelta64::new(12))
    );
    for count in [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX] {
        let (any_time, any_span) = (DateTime64::<Second>::new(count), TimeDelta64::<Second>::new(count));
        assert!((any_time + TimeDelta64::NAT).is_nat() && (any_time - DateTime64::NAT).is_nat());
        assert!((any_span * 2).is_nat() == (count == i64::MIN || count.checked_mul(2).is_none()));
        assert!((-any_span).is_nat() == (count == i64::MIN));
        assert_eq!((any_time + span).is_nat(), any_time.is_nat() || count.checked_add(3).is_none());
    }
    let (last, first) = (DateTime64::<Second>::new(i64::MAX), DateTime64::<Second>::new(i64::MIN + 1));
    assert!((last + span).is_nat() && (first - span).is_nat() && (last - first).is_nat());
    // One below the first is the number that means NaT.
    assert_eq!(first.checked_sub(TimeDelta64::new(1)), None);
    assert!(DateTime64::<Second>::NAT.checked_add(span).is_some_and(|sum| sum.is_nat()));
    let mut sum = time;
    sum += span;
    sum -= TimeDelta64::new(1);
    assert_eq!(sum, DateTime64::new(7));
}

#[test]
fn units_convert_as_astype_does() {
    let time = DateTime64::<Nanosecond>::new(-1);
    assert_eq!(time.to_unit::<Second, 1>().count(), -1);
    assert_eq!(time.to_unit::<Year, 1>().to_string(), "1969");
    assert_eq!(DateTime64::<Year>::new(50).to_unit::<Hour, 2>().count(), 18_262 * 12);
    assert!(DateTime64::<Year>::new(1000).to_unit::<Nanosecond, 1>().is_nat());
    assert!(DateTime64::<Day>::NAT.to_unit::<Week, 1>().is_nat());
    assert!(DateTime64::<Generic>::new(1).to_unit::<Week, 1>().is_nat());
}

#[test]
fn extremes_of_views_are_nat_where_one_is() {
    let times = [5, -2, 9, 1].map(DateTime64::<Day>::new);
    let view = crate::ArrayView::from_slice(&times, 4).unwrap();
    assert_eq!((view.min(), view.max()), (Some(DateTime64::new(-2)), Some(DateTime64::new(9))));
    let times = [5, i64::MIN, 9, i64::MAX].map(|count| Be::new(TimeDelta64::<Day>::new(count)));
    let view = crate::ArrayView::from_slice(&times, 4).unwrap();
    assert!(view.min().is_some_and(|min| min.get().is_nat()) && view.max().is_some_and(|max| max.get().is_nat()));
}

#[test]
fn dtypes_bytes_and_orders() {
    assert_eq!(
        DateTime64::<Nanosecond>::dtype().kind(),
        &Kind::DateTime64 { unit: TimeUnit::Nanosecond, count: 1, order: Endianness::NATIVE }
    );
    assert_eq!(
        Be::<TimeDelta64<Second, 25>>::dtype().kind(),
        &Kind::TimeDelta64 { unit: TimeUnit::Second, count: 25, order: Endianness::Big }
    );
    assert_eq!((size_of::<DateTime64<Day>>(), align_of::<DateTime64<Day>>()), (8, align_of::<i64>()));
    assert_eq!(Be::new(DateTime64::<Day>::new(1)).to_bytes(), [0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(Le::new(DateTime64::<Day>::new(18_326)).to_string(), "2020-03-05");
    assert_eq!(Be::new(DateTime64::<Day>::new(3)) - DateTime64::new(1), TimeDelta64::new(2));
}

#[test]
fn the_systems_times_convert_exactly_or_not_at_all() {
    let epoch = SystemTime::UNIX_EPOCH;
    let before = epoch - Duration::from_millis(1500);
    assert_eq!(SystemTime::try_from(DateTime64::<Millisecond>::new(-1500)).unwrap(), before);
    assert_eq!(DateTime64::<Millisecond>::try_from(before).unwrap().count(), -1500);
    assert_eq!(DateTime64::<Second>::try_from(before).unwrap_err().kind(), ErrorKind::InvalidValue);
    assert_eq!(DateTime64::<Month, 3>::try_from(epoch).unwrap().count(), 0);
    assert_eq!(SystemTime::try_from(DateTime64::<Month>::new(1)).unwrap(), epoch + Duration::from_secs(31 * 86_400));
    assert!(SystemTime::try_from(DateTime64::<Picosecond>::new(1)).is_err());
    assert!(SystemTime::try_from(DateTime64::<Year>::new(i64::MAX)).is_err());
    assert!(SystemTime::try_from(DateTime64::<Day>::NAT).is_err());
    let now = SystemTime::now();
    assert_eq!(SystemTime::try_from(DateTime64::<Nanosecond>::try_from(now).unwrap()).unwrap(), now);
}

#[test]
fn lengths_convert_exactly_or_not_at_all() {
    let second = Duration::from_secs(1);
    assert_eq!(Duration::try_from(TimeDelta64::<Week>::new(1)).unwrap(), 7 * 86_400 * second);
    assert_eq!(Duration::try_from(TimeDelta64::<Attosecond>::new(3_000_000_000)).unwrap(), Duration::from_nanos(3));
    assert_eq!(TimeDelta64::<Attosecond>::try_from(Duration::from_nanos(3)).unwrap().count(), 3_000_000_000);
    assert_eq!(TimeDelta64::<Second, 25>::try_from(50 * second).unwrap().count(), 2);
    assert!(TimeDelta64::<Second, 25>::try_from(51 * second).is_err());
    assert!(TimeDelta64::<Nanosecond>::try_from(Duration::MAX).is_err());
    assert!(TimeDelta64::<Month>::try_from(second).is_err());
    for wrong in [TimeDelta64::<Femtosecond>::new(1), TimeDelta64::new(-1_000_000), TimeDelta64::NAT] {
        assert!(Duration::try_from(wrong).is_err());
    }
    assert!(Duration::try_from(TimeDelta64::<Year>::new(1)).is_err());
    assert!(Duration::try_from(TimeDelta64::<Week, { i32::MAX as u32 }>::new(i64::MAX)).is_err());
}

#[cfg(feature = "chrono")]
#[test]
fn chronos_times_convert_exactly_or_not_at_all() {
    use ::chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
    for count in [-i64::MAX, -1_000_000_001, -1, 0, 1, 951_782_400_000_000_000, i64::MAX] {
        let time = DateTime64::<Nanosecond>::new(count);
        let theirs: NaiveDateTime = time.try_into().unwrap();
        assert_eq!(format!("{theirs:?}").parse::<DateTime64<Nanosecond>>().unwrap().count(), count);
        assert_eq!(DateTime64::<Nanosecond>::try_from(theirs).unwrap().count(), count);
        let span = TimeDelta64::<Nanosecond>::new(count);
        assert_eq!(TimeDelta::try_from(span).unwrap().num_nanoseconds(), Some(count));
        assert_eq!(TimeDelta64::<Nanosecond>::try_from(TimeDelta::nanoseconds(count)).unwrap().count(), count);
    }
    for end in [NaiveDateTime::MIN, NaiveDateTime::MAX] {
        let day = DateTime64::<Day>::try_from(end.date()).unwrap();
        assert_eq!(NaiveDate::try_from(day).unwrap(), end.date());
    }
    assert!(DateTime64::<Nanosecond>::try_from(NaiveDateTime::MAX).is_err());
    assert!(DateTime::<Utc>::try_from(DateTime64::<Year>::new(300_000)).is_err());
    assert!(NaiveDateTime::try_from(DateTime64::<Picosecond>::new(1)).is_err());
    assert!(NaiveDate::try_from(DateTime64::<Hour>::new(25)).is_err());
    assert!(NaiveDate::try_from(DateTime64::<Day>::NAT).is_err());
    assert!(TimeDelta::try_from(TimeDelta64::<Month>::new(1)).is_err());
    let leap = NaiveDate::MIN.and_time(NaiveTime::from_hms_nano_opt(23, 59, 59, 1_500_000_000).unwrap());
    assert!(DateTime64::<Second>::try_from(leap).unwrap_err().to_string().contains("leap second"));
}
