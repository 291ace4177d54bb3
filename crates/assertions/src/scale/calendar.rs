//! Days, moments and intervals as texts that PostgreSQL reads.

/// The days of the years 1 to 9999, counted from 2000-01-01.
pub(super) const DAYS: (i128, i128) = (-730_119, 2_921_939);

/// How many microseconds a day has.
pub(super) const MICROS_OF_DAY: i128 = 86_400_000_000;

/// The longest interval that is tried, in hours: a thousand years, and what PostgreSQL reads as hours.
pub(super) const HOURS: i128 = 24 * 366 * 1000;

/// A day, counted from 2000-01-01 in the Gregorian calendar.
pub(super) fn day(days: i128) -> String {
    // Years begin in March here, so that the leap day is the last one: 2000-03-01 is day 60, and 400 years have 146,097.
    let day = days - 60;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * from_march + 2) / 5 + 1, (from_march + 2) % 12 + 1);
    let year = 2000 + era * 400 + year_of_era + i128::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A moment, in microseconds since the beginning of 2000-01-01.
pub(super) fn moment(micros: i128) -> String {
    format!("{} {}", day(micros.div_euclid(MICROS_OF_DAY)), time(micros.rem_euclid(MICROS_OF_DAY)))
}

/// An interval in hours, minutes and seconds.
pub(super) fn interval(micros: i128) -> String {
    format!("{}{}", if micros < 0 { "-" } else { "" }, time(micros.abs()))
}

fn time(micros: i128) -> String {
    let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
    let fraction = if rest == 0 { String::new() } else { format!(".{rest:06}") };
    format!("{:02}:{:02}:{:02}{fraction}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
