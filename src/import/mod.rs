//! Configurations of other programs, turned into this program's and its host's.

pub mod butler_sos;
