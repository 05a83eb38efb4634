//! What wasmtime makes of the WIT package: the types and calls of `hookaroon:hook@0.1.0`.
#![allow(missing_docs, unused_qualifications)]

wasmtime::component::bindgen!({
    inline: "
        package hookaroon:host;
        world bound-hook {
            import hookaroon:hook/log@0.1.0;
            export hookaroon:hook/lifecycle@0.1.0;
        }
    ",
    path: "../wit",
    world: "hookaroon:host/bound-hook",
    // The columns of a batch are lent to the guest, not copied for it.
    ownership: Borrowing { duplicate_if_necessary: true },
    imports: { default: trappable },
    additional_derives: [PartialEq],
});
