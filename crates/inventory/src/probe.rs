//! Transcripts of probes: facts that are had by creating things in the cloud.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{SecurityGroupRule, Unavailable};

/// What a probe did, in order, and what it could not take down again.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Transcript {
    /// The steps, in the order of their start. A step that failed ends the probe, unless it only adds to it.
    pub steps: Vec<Step>,
    /// What still exists although the probe has ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<Leftover>,
}

impl Transcript {
    /// How a step ended; none if it was never begun.
    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.iter().rfind(|step| step.id == id)
    }

    /// Whether a step was made and went well.
    pub fn is_done(&self, id: StepId) -> bool {
        self.step(id).is_some_and(|step| step.trouble.is_none())
    }

    /// Why a step failed; none if it went well or was never begun.
    pub fn trouble(&self, id: StepId) -> Option<&Unavailable> {
        self.step(id)?.trouble.as_ref()
    }

    /// The first step that failed among these.
    pub fn first_trouble(&self, ids: &[StepId]) -> Option<(&Step, &Unavailable)> {
        self.steps
            .iter()
            .filter(|step| ids.contains(&step.id))
            .find_map(|step| Some((step, step.trouble.as_ref()?)))
    }

    /// Whether a step failed because a limit of the project was used up.
    pub fn is_over_quota(&self) -> bool {
        self.steps.iter().filter_map(|step| step.trouble.as_ref()).any(Unavailable::is_over_quota)
    }
}

/// One step of a probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Which one.
    pub id: StepId,
    /// What it was about: name and id of the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Microseconds from the start of the run.
    pub started_us: u64,
    /// Microseconds that it took, waiting included.
    pub duration_us: u64,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Unavailable>,
}

/// Something that could not be taken down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// What it is, such as `volume`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its id, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why it is still there.
    pub why: String,
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)?;
        if let Some(id) = &self.id {
            write!(f, " ({id})")?;
        }
        write!(f, ": {}", self.why)
    }
}

macro_rules! steps {
    ($($(#[$doc:meta])* $id:ident = $label:literal,)+) => {
        /// The steps that probes are made of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum StepId {
            $($(#[$doc])* $id,)+
        }

        impl StepId {
            /// The step in plain words: what is to be done.
            pub fn label(self) -> &'static str {
                match self {
                    $(StepId::$id => $label,)+
                }
            }
        }
    };
}

steps! {
    /// Listing secrets before one is created.
    ListSecrets = "list secrets",
    /// Storing a secret.
    CreateSecret = "store a secret",
    /// Listing secrets to find it again.
    FindSecret = "find the secret in the list",
    /// Reading its payload back.
    ReadSecret = "read the secret back",
    /// Deleting it.
    DeleteSecret = "delete the secret",

    /// Creating a security group.
    CreateSecurityGroup = "create a security group",
    /// Reading its rules.
    ReadSecurityGroup = "read the rules of the security group",
    /// Deleting it.
    DeleteSecurityGroup = "delete the security group",

    /// Looking at what volumes and backups there are.
    ListBackups = "list volumes and backups",
    /// Creating a volume.
    CreateVolume = "create a volume",
    /// Waiting until it can be used.
    AwaitVolume = "wait for the volume",
    /// Creating a backup.
    CreateBackup = "create a backup",
    /// Waiting until it is there.
    AwaitBackup = "wait for the backup",
    /// Restoring a backup.
    RestoreBackup = "restore the backup",
    /// Waiting until the restored volume can be used.
    AwaitRestored = "wait for the restored volume",
    /// Creating a backup of what changed.
    CreateIncremental = "create an incremental backup",
    /// Waiting until it is there.
    AwaitIncremental = "wait for the incremental backup",
    /// Uploading an image with a pattern.
    UploadPattern = "upload an image with a pattern",
    /// Making an image of the restored volume.
    ExportRestored = "make an image of the restored volume",
    /// Reading the pattern out of it.
    ReadPattern = "read the pattern back",
    /// Taking everything down.
    TakeDown = "take everything down",

    /// Choosing an image to boot.
    ChooseImage = "choose an image",
    /// Choosing a flavor to boot it with.
    ChooseFlavor = "choose a flavor",
    /// Finding a network with a way out.
    FindExternalNetwork = "find an external network",
    /// Creating a network.
    CreateNetwork = "create a network",
    /// Creating a subnet.
    CreateSubnet = "create a subnet",
    /// Creating a router with a gateway.
    CreateRouter = "create a router",
    /// Adding the subnet to the router.
    AddRouterInterface = "attach the subnet to the router",
    /// Adding the IPv6 subnet to it.
    AddIpv6RouterInterface = "attach the IPv6 subnet to the router",
    /// Creating a server.
    CreateServer = "create a server",
    /// Waiting until it runs.
    AwaitServer = "wait for the server",
    /// Reading its console.
    ReadConsole = "read the console of the server",

    /// Registering an image.
    CreateImage = "register an image",
    /// Uploading its data.
    UploadImage = "upload the data of the image",
    /// Waiting until it can be used.
    AwaitImage = "wait for the image",

    /// Sharing a network of our own with the project itself.
    CreateRbacPolicy = "create a network RBAC policy",
    /// Drawing a subnet from the default IPv6 pool.
    DrawSubnet = "draw a subnet from the default IPv6 pool",
    /// Getting a key for S3 from keystone.
    CreateCredential = "create an EC2 credential",
    /// Getting a floating IP.
    CreateFloatingIp = "create a floating IP",
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// A security group that was created to see which rules it gets (scs-0115).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct NewSecurityGroup {
    /// What was done.
    #[serde(flatten)]
    pub transcript: Transcript,
    /// The rules that it got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<SecurityGroupRule>>,
}

/// A secret that was stored, found and deleted (scs-0116).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SecretLifecycle {
    /// What was done.
    #[serde(flatten)]
    pub transcript: Transcript,
    /// Number of secrets that were there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<usize>,
    /// Whether the new secret was in the list; none if the list was not to be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<bool>,
    /// Whether the payload came back as it was; none if it was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intact: Option<bool>,
}

/// A volume that was backed up and restored (scs-0117).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct VolumeBackup {
    /// What was done.
    #[serde(flatten)]
    pub transcript: Transcript,
    /// Volumes and backups of the project that have no name, which breaks the reference suite.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nameless: Vec<String>,
    /// Whether the restored volume holds the pattern that was written; none if that was not to be found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intact: Option<bool>,
    /// Whether the second backup says of itself that it is incremental.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incremental: Option<bool>,
}

/// A virtual machine that was started and told about itself on its console (scs-0101, scs-0126).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct VirtualMachine {
    /// What was done.
    #[serde(flatten)]
    pub transcript: Transcript,
    /// Name of the image it was started from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Name of its flavor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flavor: Option<String>,
    /// Addresses that nova gave it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// The lines that our user data printed, without what else was on the console.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub console: Vec<String>,
    /// The last lines of the console, whatever they are, if the end of our user data was not seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub console_tail: Vec<String>,
}

/// An image that was uploaded by a plain user (scs-0104).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ImageUpload {
    /// What was done.
    #[serde(flatten)]
    pub transcript: Transcript,
    /// Its visibility, as glance has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<String>,
    /// Whether glance has as many bytes as were sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intact: Option<bool>,
}

/// What a project can do with the provider network (scs-0126).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ProviderNetworkUse {
    /// What was done. Each step is tried, whatever became of the others.
    #[serde(flatten)]
    pub transcript: Transcript,
    /// The network that the router got its gateway from: name and id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_network: Option<String>,
    /// The address range that came from the default IPv6 pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn_subnet: Option<String>,
    /// Addresses of the router's gateway.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gateway_addresses: Vec<String>,
    /// The floating IP that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floating_ip: Option<String>,
}

/// What cinder says of volumes of the types that promise encryption (scs-0114).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EncryptedVolumes {
    /// What was left behind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<Leftover>,
    /// One volume of each type.
    pub volumes: Vec<EncryptedVolume>,
}

/// A volume of a type that promises encryption.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EncryptedVolume {
    /// Name of the volume type.
    pub volume_type: String,
    /// Whether cinder says that the volume is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<bool>,
    /// Why there is no volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Unavailable>,
}
