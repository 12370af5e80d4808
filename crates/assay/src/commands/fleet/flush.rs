//! `assay fleet flush`: send what waits.

use assay_fleet::{Delivery, Outbox};
use tokio_util::sync::CancellationToken;

use super::post::sent;
use super::{Flush, configuration, courier, outbox};
use crate::args::Global;
use crate::failure::Failure;
use crate::human::{counted, printable};
use crate::output::{note, print};

/// Something was not delivered.
const UNDELIVERED: u8 = 3;

pub(crate) async fn run(arguments: &Flush, global: &Global) -> Result<u8, Failure> {
    let outbox = Outbox::open(&outbox())?;
    if !arguments.forget.is_empty() {
        for run in &arguments.forget {
            if outbox.letter(*run)?.is_none() {
                return Err(Failure::usage(
                    format!("no report {run} waits in the outbox"),
                    "`assay fleet status` lists those that do",
                ));
            }
            outbox.remove(*run)?;
        }
        return Ok(0);
    }
    let (addresses, strange) = outbox.addresses()?;
    for path in &strange {
        note(&format!("{} is no report that could be sent", path.display()));
    }
    if addresses.is_empty() {
        print("nothing waits\n")?;
        return Ok(if strange.is_empty() { 0 } else { UNDELIVERED });
    }
    let config = configuration(&arguments.configured)?;
    let (courier, sender) = courier(&config)?;
    let cancel = CancellationToken::new();
    let (mut arrived, mut kept) = (0, 0);
    for address in addresses {
        let name = printable(&format!("{}: {}", address.subject, address.scope));
        // A token goes to nobody but the monitor that it is for.
        if address.sender != sender
            || config.monitor.as_ref().is_some_and(|monitor| *monitor != address.monitor)
        {
            kept += 1;
            let (whose, monitor) = (printable(&address.sender), &address.monitor);
            note(&format!("{name}: left to whoever is {whose} at {monitor}"));
            continue;
        }
        match sent(&courier, &outbox, address.run, &cancel).await? {
            Delivery::Delivered(_) | Delivery::Known => arrived += 1,
            Delivery::Later(why) | Delivery::Refused(why) => {
                kept += 1;
                note(&format!("{name}: not delivered: {why}"));
            }
        }
        if !global.quiet {
            note(&format!("{name}: {arrived} delivered, {kept} kept"));
        }
    }
    let delivered = counted(arrived, ["report was delivered", "reports were delivered"]);
    match kept {
        0 => print(&format!("{delivered}\n"))?,
        _ => print(&format!("{delivered}, {}\n", counted(kept, ["waits", "wait"])))?,
    }
    Ok(if kept == 0 && strange.is_empty() { 0 } else { UNDELIVERED })
}
