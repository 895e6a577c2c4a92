//! Stand-ins, which cannot be constructed, for services that are only queried with the feature `qrs`.

use std::io;

use super::start::StartError;
use crate::{
    config::{Config, QrsConfig},
    host::{
        diagnostics::Level,
        metrics::{EngineCounts, ProxyCounts},
    },
    transform::{AppTable, sessions::SessionList},
};

/// There is no repository.
#[derive(Debug)]
pub(super) enum Repository {}

impl Repository {
    pub(super) const fn new(_: &QrsConfig) -> Result<Option<Self>, StartError> {
        Ok(None)
    }

    pub(super) const fn start(&self) -> io::Result<()> {
        match *self {}
    }

    pub(super) const fn ask_now(&self) {
        match *self {}
    }

    pub(super) const fn poll(&self, _: &mut Vec<(Level, String)>) -> bool {
        match *self {}
    }

    pub(super) const fn names(&self) -> &AppTable {
        match *self {}
    }

    pub(super) const fn failures(&self) -> u64 {
        match *self {}
    }
}

/// There are no proxies.
#[derive(Debug)]
pub(super) enum Proxies {}

impl Proxies {
    pub(super) const fn new(_: &Config) -> Result<Option<Self>, StartError> {
        Ok(None)
    }

    pub(super) const fn start(&self) -> io::Result<()> {
        match *self {}
    }

    pub(super) const fn ask_now(&self) {
        match *self {}
    }

    pub(super) const fn poll(&self, _: &mut Vec<(Level, String)>) -> Vec<SessionList> {
        match *self {}
    }

    pub(super) const fn counts(&self) -> Vec<ProxyCounts> {
        match *self {}
    }
}

/// There are no engines.
#[derive(Debug)]
pub(super) enum Engines {}

impl Engines {
    pub(super) const fn new(_: &Config) -> Result<Option<Self>, StartError> {
        Ok(None)
    }

    pub(super) const fn start(&self) -> io::Result<()> {
        match *self {}
    }

    pub(super) const fn ask_now(&self) {
        match *self {}
    }

    pub(super) const fn poll(&self, _: &mut Vec<(Level, String)>) {
        match *self {}
    }

    pub(super) const fn counts(&self) -> Vec<EngineCounts> {
        match *self {}
    }
}
