//! The machines that clients come from: the pool of `client_ip`, and the table to enrich events with.
//!
//! The same in every stream, whatever its seed: twenty cities with ten hosts each, every fifth of them on IPv6.

/// A name for the city in host names, the city, its country's code.
const CITIES: [(&str, &str, &str); 20] = [
    ("fra", "Frankfurt", "DE"),
    ("ber", "Berlin", "DE"),
    ("par", "Paris", "FR"),
    ("lon", "London", "GB"),
    ("dub", "Dublin", "IE"),
    ("ams", "Amsterdam", "NL"),
    ("mad", "Madrid", "ES"),
    ("waw", "Warsaw", "PL"),
    ("arn", "Stockholm", "SE"),
    ("zrh", "Zürich", "CH"),
    ("nyc", "New York", "US"),
    ("sfo", "San Francisco", "US"),
    ("iad", "Ashburn", "US"),
    ("yyz", "Toronto", "CA"),
    ("gru", "São Paulo", "BR"),
    ("nrt", "Tokyo", "JP"),
    ("icn", "Seoul", "KR"),
    ("sin", "Singapore", "SG"),
    ("bom", "Mumbai", "IN"),
    ("syd", "Sydney", "AU"),
];

const HOSTS_PER_CITY: usize = 10;

/// The first three bytes of the networks that RFC 5737 keeps for documentation.
const NETWORKS: [&str; 3] = ["192.0.2", "198.51.100", "203.0.113"];

/// One machine.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) ip: String,
    name: String,
    country: &'static str,
    city: &'static str,
}

/// All of them, each with its own address.
pub(crate) fn all() -> Vec<Host> {
    let mut hosts = Vec::with_capacity(CITIES.len() * HOSTS_PER_CITY);
    for (city_number, (code, city, country)) in CITIES.into_iter().enumerate() {
        for of_city in 0..HOSTS_PER_CITY {
            let index = city_number * HOSTS_PER_CITY + of_city;
            let ip = if of_city % 5 == 4 {
                format!("2001:db8:{:x}::{:x}", city_number + 0x10, of_city + 1)
            } else {
                let network = NETWORKS.get(index % NETWORKS.len()).copied().unwrap_or_default();
                format!("{network}.{}", index / NETWORKS.len() + 10)
            };
            hosts.push(Host { ip, name: format!("edge-{code}-{:02}", of_city + 1), country, city });
        }
    }
    hosts
}

/// The table of the hosts as CSV, with the header `ip,host,country,city`.
pub fn hosts_csv() -> String {
    let mut csv = String::from("ip,host,country,city\n");
    for Host { ip, name, country, city } in all() {
        csv.push_str(&format!("{ip},{name},{country},{city}\n"));
    }
    csv
}
