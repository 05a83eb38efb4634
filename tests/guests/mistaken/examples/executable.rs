//! A program that filters its standard input, instead of a hook.

fn main() {
    for line in std::io::stdin().lines().map_while(Result::ok) {
        println!("{line}");
    }
}
