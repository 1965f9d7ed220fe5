//! Fills one `.npy` file of records by all ranks of an MPI program, and then scans it.
//!
//! ```text
//! mpirun -n 4 mpi-fill particles.npy --rows 1000000
//! mpirun -n 4 mpi-fill particles.npy --rows 1000000 --restartable
//! ```
//!
//! The array is divided into one segment for each rank. No two segments share a page, as file systems that several
//! hosts use require. The first rank creates the file; each rank fills its segment, writes it back, and waits for the
//! others. Then each rank scans its segment, and the sums and histograms of all ranks are added.
//!
//! With `--restartable`, the ranks claim parts by `npy::fill` until none is left. If the job is killed, it continues
//! where it stopped when it is started again. This needs a file system whose locks apply to all hosts.
#![forbid(unsafe_code)]

use bytemuck::{Pod, Zeroable};
use clap::Parser;
use mmap_array::{Record, field, npy};
use mpi::collective::SystemOperation;
use mpi::traits::{Communicator, CommunicatorCollectives};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[derive(Debug, Parser)]
#[command(version, about = "Fills one `.npy` file of records by all ranks, and scans it.")]
struct Arguments {
    path: PathBuf,
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
    /// Claims parts of the array by `npy::fill`, so that a job that was killed can continue.
    #[arg(long)]
    restartable: bool,
    /// Waits for this number of milliseconds in each of 64 parts, for tests that kill the job.
    #[arg(long, default_value_t = 0)]
    wait: u64,
}

/// The number, position and energy of a particle.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable, Record)]
#[repr(C)]
struct Particle {
    number: u64,
    position: [f32; 3],
    energy: f32,
}

/// The number of parts of a restartable job.
const PARTS: usize = 64;
/// The edges of the histogram of energies, which range from 0 to 1.
const EDGES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

impl Particle {
    /// Returns the particle of a row, which does not depend on the rank.
    fn new(row: usize) -> Self {
        let mixed = (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let part = |shift: u32| f32::from((mixed >> shift) as u16) / 65536.0;
        Self { number: row as u64, position: [part(0), part(16), part(32)], energy: part(48) }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Some(universe) = mpi::initialize() else {
        eprintln!("mpi-fill: MPI is already initialized");
        return ExitCode::FAILURE;
    };
    let world = universe.world();
    match run(&world, &arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mpi-fill: rank {}: {error}", world.rank());
            // Otherwise the other ranks would wait for this one forever.
            world.abort(1)
        }
    }
}

fn run(world: &impl CommunicatorCollectives, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let (rank, size) = (world.rank() as usize, world.size() as usize);
    let Arguments { path, rows, .. } = arguments;
    let filled = if arguments.restartable { fill_parts(arguments)? } else { fill_segment(world, path, *rows)? };
    // The data of this rank are on the disk; after the barrier, those of all ranks are.
    world.barrier();
    let (energies, histogram) = scan(path, rank, size)?;

    let (mut all, mut energy, mut counts) = ([0_u64; 2], 0.0, [0_u64; EDGES.len() - 1]);
    world.all_reduce_into(&[filled as u64, u64::from(filled > 0)], &mut all, SystemOperation::sum());
    world.all_reduce_into(&energies, &mut energy, SystemOperation::sum());
    world.all_reduce_into(&histogram, &mut counts, SystemOperation::sum());
    if rank == 0 {
        println!("filled {} of {rows} rows by {} of {size} ranks", all[0], all[1]);
        println!("energy {energy:.6}");
        println!("histogram {counts:?}");
    }
    if counts.iter().sum::<u64>() != *rows as u64 {
        return Err(format!("{}: the histogram {counts:?} does not count {rows} energies", path.display()).into());
    }
    Ok(())
}

/// Fills the segment of this rank in a file that the first rank creates, and returns the number of rows of the segment.
fn fill_segment(world: &impl CommunicatorCollectives, path: &Path, rows: usize) -> Result<usize, Box<dyn Error>> {
    let (rank, size) = (world.rank() as usize, world.size() as usize);
    if rank == 0 {
        // This needs no memory for the elements, and they begin at a page boundary.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        npy::create_options::<Particle>([rows]).align(4096).reserve().scratch_in(folder)?.persist(path)?;
    }
    world.barrier();
    let segment = npy::options::<Particle>().segment_aligned(rank, size).open_shared_mut(path)?;
    let before = segment.byte_offset() - npy::header(path)?.data_offset();
    let mut rows = before as usize / size_of::<Particle>()..;
    segment.map_in_place(|_| Particle::new(rows.next().unwrap_or_default()))?;
    segment.flush()?;
    Ok(segment.len())
}

/// Claims and fills parts until none is left, and returns the number of rows that this rank filled.
fn fill_parts(arguments: &Arguments) -> Result<usize, Box<dyn Error>> {
    let job = npy::create_options::<Particle>([arguments.rows]).reserve().fill(&arguments.path).parts(PARTS);
    let filled = AtomicUsize::new(0);
    job.run(|part| {
        let rows = part.rows();
        filled.fetch_add(rows.len(), Ordering::Relaxed);
        part.iter_mut().zip(rows).for_each(|(particle, row)| *particle = Particle::new(row));
        std::thread::sleep(Duration::from_millis(arguments.wait));
        Ok::<_, mmap_array::Error>(())
    })?;
    Ok(filled.into_inner())
}

/// Scans the segment of a rank, and returns the sum and the histogram of the energies.
fn scan(path: &Path, rank: usize, size: usize) -> Result<(f64, [u64; EDGES.len() - 1]), Box<dyn Error>> {
    let segment = npy::options::<Particle>().segment(rank, size).open_shared(path)?;
    segment.try_read(|view| {
        let energies = view.project(field!(Particle, energy));
        let sum = energies.mean().unwrap_or(0.0) * energies.len() as f64;
        let counts = energies.histogram(&EDGES)?;
        Ok((sum, counts.try_into().map_err(|_| "not as many counts as there are bins")?))
    })
}
