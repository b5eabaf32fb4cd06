//! Writes the Rust code of `proto/onhook/v1` from a descriptor set of protoc.
//!
//! Why not protoc's plugin alone: prost drops fields that it does not know, and an event must keep
//! them. So where an event travels in an envelope, its bytes are kept as they came, and decoded by
//! the library; on the wire the two are the same.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorSet, field_descriptor_proto::Type};

const EVENT: &str = ".onhook.v1.ReleaseEvent";

fn keep_event_bytes(message: &mut DescriptorProto) {
    for field in &mut message.field {
        if field.type_name.as_deref() == Some(EVENT) {
            field.set_type(Type::Bytes);
            field.type_name = None;
            // An event that is missing stays different from an empty one.
            field.proto3_optional = Some(true);
        }
    }
    message.nested_type.iter_mut().for_each(keep_event_bytes);
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [descriptor_set, out_dir] = arguments.as_slice() else {
        return Err("usage: onhook-client-generator DESCRIPTOR_SET OUT_DIR".into());
    };
    let mut files = FileDescriptorSet::decode(fs::read(descriptor_set)?.as_slice())?;
    for file in &mut files.file {
        file.message_type.iter_mut().for_each(keep_event_bytes);
    }
    tonic_prost_build::configure()
        .out_dir(out_dir)
        .bytes(".")
        .build_transport(false)
        .server_mod_attribute(".", "#[cfg(feature = \"testing\")]")
        .compile_fds(files)?;
    Ok(())
}
