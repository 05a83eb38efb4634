//! How large a plugin may be, and what is said of one that is larger or cannot be read.

use serde::{Deserialize, Serialize};

use super::{MAX_NAME_BYTES, SETTING};

/// How large a plugin may be. An operator who trusts one can raise them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of the file. A JavaScript hook has 12 MB, a Python hook 18 MB.
    pub file_bytes: u64,
    /// Functions in the file and types of functions, host calls included. JavaScript's engine has 30,000; 100,000 empty ones cost the
    /// compiler 4.4 s and 540 MB.
    pub functions: u64,
    /// Bytes of one function. Interpreter loops have up to 200 KB; 1 MiB costs the compiler 9 s and 560 MB.
    pub function_bytes: u64,
    /// Globals of one core module. Compilers make a handful.
    pub globals: u64,
    /// Globals, functions, passive elements and definitions summed over everything that one instance instantiates: up
    /// to 48 bytes each that the memory cap does not see, so 12 MB.
    pub instantiated: u64,
    /// Components within components. Languages need 1, composed hooks 2 or 3.
    pub nesting: u64,
    /// Imports and exports of the component, each. The widest worlds have 60.
    pub names: u64,
}

impl Limits {
    /// Lets every language's hooks through and little else.
    pub const DEFAULT: Limits = Limits {
        file_bytes: 32 << 20,
        functions: 100_000,
        function_bytes: 1 << 20,
        globals: 10_000,
        instantiated: 250_000,
        nesting: 16,
        names: 1_000,
    };
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}

/// Which of the [`Limits`] a plugin is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // The variants are the fields of `Limits`.
pub enum Limit {
    FileBytes,
    Functions,
    FunctionBytes,
    Globals,
    Instantiated,
    Nesting,
    Names,
}

impl Limit {
    /// Its key in the table [`SETTING`].
    fn key(self) -> &'static str {
        match self {
            Limit::FileBytes => "file_bytes",
            Limit::Functions => "functions",
            Limit::FunctionBytes => "function_bytes",
            Limit::Globals => "globals",
            Limit::Instantiated => "instantiated",
            Limit::Nesting => "nesting",
            Limit::Names => "names",
        }
    }

    /// What is counted.
    fn unit(self) -> &'static str {
        match self {
            Limit::FileBytes => "bytes",
            Limit::Functions => "functions",
            Limit::FunctionBytes => "bytes in one function",
            Limit::Globals => "globals in one module",
            Limit::Instantiated => "instantiated globals, functions, passive elements and definitions",
            Limit::Nesting => "levels of nested components",
            Limit::Names => "imports or exports",
        }
    }
}

/// Why a plugin is not compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ScanError {
    /// There is nothing in it.
    #[error("is empty; build it again")]
    Empty,
    /// It is something else.
    #[error("is not WebAssembly: it starts with {start}, not with \"\\0asm\"")]
    NotWasm {
        /// Its first bytes, printable.
        start: String,
    },
    /// It is WebAssembly to read, not to run.
    #[error("is in the text format; compile it with wasm-tools parse FILE.wat -o FILE.wasm")]
    Text,
    /// The file ends in the middle.
    #[error(
        "is cut off: it has {actual} bytes, and what starts at byte {offset} needs more; copy or build it again"
    )]
    Truncated {
        /// What it has.
        actual: usize,
        /// Where the unfinished part starts.
        offset: usize,
    },
    /// It breaks the format.
    #[error("is not valid WebAssembly: {reason} (at byte {offset})")]
    Invalid {
        /// What is wrong.
        reason: String,
        /// Where.
        offset: usize,
    },
    /// It is over a limit.
    #[error(
        "has {actual} {unit}; {limit} are allowed; if you trust it, raise {key} in [{SETTING}]",
        unit = .which.unit(), key = .which.key()
    )]
    OverLimit {
        /// Which one.
        which: Limit,
        /// What it has, or how far it was counted.
        actual: u64,
        /// What it may have.
        limit: u64,
    },
    /// A component that is handed modules or components cannot be bounded by looking at it.
    #[error(
        "has a component that takes a {what} from outside, which is not supported; link it before it is shipped"
    )]
    Parametric {
        /// What it takes.
        what: String,
    },
    /// An import or export that cannot be meant.
    #[error("has a name of {actual} bytes among its imports or exports; {MAX_NAME_BYTES} are allowed")]
    LongName {
        /// How long it is.
        actual: usize,
    },
}
