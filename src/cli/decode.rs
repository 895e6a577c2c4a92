//! `decode`: recorded datagrams, without a network.

use std::{
    io::{self, BufRead},
    path::{Path, PathBuf},
    time::SystemTime,
};

use clap::Args;
use qlik_sense_events::{
    config::Config,
    encoding::Encoder,
    event::Arrival,
    host::{
        diagnostics::{Level, Report},
        exec::{Diagnostics, ExecError, Output},
        runtime::{frames::Frames, start::StartError, worker::Sink},
    },
    pipeline::Pipeline,
    schema::Layout,
    transform::OutputBuffer,
};

use super::{
    FAILURE, SUCCESS, USAGE, files,
    input::{LineReader, open},
    options::CommonArgs,
    texts,
};

#[derive(Debug, Args)]
#[command(after_long_help = texts::DECODE)]
pub struct DecodeArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Files with one datagram a line; `-` or none for standard input
    ///
    /// A file may be in UTF-16. Empty lines are skipped.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub fn decode(args: &DecodeArgs) -> u8 {
    let loaded = match args.common.load_or_report() {
        Ok(loaded) => loaded,
        Err(status) => return status,
    };
    let config = &loaded.config;
    let mut diagnostics = Diagnostics::new(&config.output);
    if let Some(message) = args.common.refuse_terminal(config) {
        diagnostics.report(Level::Error, message);
        return USAGE;
    }
    let standard_input = [PathBuf::from("-")];
    let files = if args.files.is_empty() {
        &standard_input
    } else {
        &*args.files
    };
    let layout = match config.output.layout() {
        Ok(layout) => layout,
        Err(error) => {
            diagnostics.report(Level::Error, &StartError::Fields(error).to_string());
            return USAGE;
        }
    };
    let pipeline = match config.pipeline().build() {
        Ok(pipeline) => pipeline,
        Err(error) => {
            for reason in files::reasons(&loaded, &StartError::Pipeline(error)) {
                diagnostics.report(Level::Error, &reason);
            }
            return USAGE;
        }
    };
    match Decode::new(config, &layout, pipeline)
        .and_then(|decode| decode.files(files, &mut diagnostics))
    {
        Ok(status) => status,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => SUCCESS,
        Err(error) => {
            diagnostics.report(Level::Error, &ExecError::Output(error).to_string());
            FAILURE
        }
    }
}

struct Decode {
    pipeline: Pipeline,
    events: OutputBuffer,
    sink: Frames<Output>,
    max_datagram_bytes: usize,
}

impl Decode {
    fn new(config: &Config, layout: &Layout, pipeline: Pipeline) -> io::Result<Self> {
        Ok(Self {
            pipeline,
            events: OutputBuffer::default(),
            sink: Frames::new(Output::stdout()?, Encoder::new(config.output.codec, layout)),
            max_datagram_bytes: config.source.max_datagram_bytes,
        })
    }

    /// Decodes each file. A file that cannot be read is reported, and the others are still decoded.
    fn files(mut self, files: &[PathBuf], diagnostics: &mut Diagnostics) -> io::Result<u8> {
        let mut status = SUCCESS;
        for file in files {
            match open(file) {
                Ok(reader) => {
                    if let Some(error) = self.file(reader)? {
                        diagnostics.report(Level::Error, &unreadable(file, &error));
                        status = FAILURE;
                    }
                }
                Err(error) => {
                    diagnostics.report(Level::Error, &unreadable(file, &error));
                    status = FAILURE;
                }
            }
        }
        self.pipeline.finish(&mut self.events);
        self.sink.take(&mut self.events)?;
        diagnostics.report_counters("decoded", &self.pipeline.counters());
        Ok(status)
    }

    /// Decodes a file's lines as far as it can be read.
    fn file(&mut self, reader: Box<dyn BufRead>) -> io::Result<Option<io::Error>> {
        let mut reader = LineReader::new(reader);
        let mut line = Vec::new();
        loop {
            // What is in the reader's buffer came together, so its events may go out together.
            let available = match reader.available() {
                Ok(0) => return Ok(None),
                Ok(available) => available,
                Err(error) => return Ok(Some(error)),
            };
            let mut taken = 0;
            while taken < available {
                match reader.read_line(&mut line, self.max_datagram_bytes) {
                    Ok(0) => break,
                    Ok(read) => taken += read,
                    Err(error) => return Ok(Some(error)),
                }
                if !line.trim_ascii().is_empty() {
                    let arrival = Arrival::local(SystemTime::now().into());
                    self.pipeline.datagram(&line, arrival, &mut self.events);
                }
            }
            self.sink.take(&mut self.events)?;
        }
    }
}

fn unreadable(file: &Path, error: &io::Error) -> String {
    format!("{}: cannot read the file: {error}", file.display())
}
