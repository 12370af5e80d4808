use std::fmt;

use serde::{Deserialize, Serialize};

/// The kinds of things that are created in clouds, in the order in which they can be taken down: what uses
/// others comes before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A server of nova.
    Server,
    /// A key pair of nova.
    KeyPair,
    /// A floating IP of neutron.
    FloatingIp,
    /// A port of neutron.
    Port,
    /// A router of neutron, with its interfaces.
    Router,
    /// An RBAC policy of neutron.
    RbacPolicy,
    /// A subnet of neutron.
    Subnet,
    /// A network of neutron, with the ports and subnets on it.
    Network,
    /// A subnet pool of neutron.
    SubnetPool,
    /// A security group of neutron.
    SecurityGroup,
    /// A backup of cinder.
    Backup,
    /// A snapshot of cinder.
    VolumeSnapshot,
    /// A volume of cinder.
    Volume,
    /// An image of glance.
    Image,
    /// A secret of barbican.
    Secret,
    /// A bucket of an S3 server, with all that is in it.
    Bucket,
    /// A credential of keystone for S3.
    Ec2Credential,
    /// An application credential of keystone.
    ApplicationCredential,
    /// A role that somebody has somewhere, or that another one implies. Its name is its path in keystone.
    Grant,
    /// A group of keystone.
    Group,
    /// A user of keystone.
    User,
    /// A project of keystone.
    Project,
    /// A role of keystone.
    Role,
    /// A domain of keystone.
    Domain,
}

impl Kind {
    /// Every kind, in the order in which they can be taken down.
    pub const ALL: [Kind; 24] = [
        Kind::Server,
        Kind::KeyPair,
        Kind::FloatingIp,
        Kind::Port,
        Kind::Router,
        Kind::RbacPolicy,
        Kind::Subnet,
        Kind::Network,
        Kind::SubnetPool,
        Kind::SecurityGroup,
        Kind::Backup,
        Kind::VolumeSnapshot,
        Kind::Volume,
        Kind::Image,
        Kind::Secret,
        Kind::Bucket,
        Kind::Ec2Credential,
        Kind::ApplicationCredential,
        Kind::Grant,
        Kind::Group,
        Kind::User,
        Kind::Project,
        Kind::Role,
        Kind::Domain,
    ];

    /// The official type of the service that it belongs to.
    pub fn service(self) -> &'static str {
        match self {
            Kind::Server | Kind::KeyPair => "compute",
            Kind::FloatingIp
            | Kind::Port
            | Kind::Router
            | Kind::RbacPolicy
            | Kind::Subnet
            | Kind::Network
            | Kind::SubnetPool
            | Kind::SecurityGroup => "network",
            Kind::Backup | Kind::VolumeSnapshot | Kind::Volume => "block-storage",
            Kind::Image => "image",
            Kind::Secret => "key-manager",
            Kind::Bucket => "object-store",
            Kind::Ec2Credential
            | Kind::ApplicationCredential
            | Kind::Grant
            | Kind::Group
            | Kind::User
            | Kind::Project
            | Kind::Role
            | Kind::Domain => "identity",
        }
    }

    /// Whether it belongs to a user, so that others of the same project do not see it.
    pub fn is_of_user(self) -> bool {
        matches!(self, Kind::KeyPair | Kind::Ec2Credential | Kind::ApplicationCredential)
    }

    /// The kind in plain words.
    pub fn label(self) -> &'static str {
        match self {
            Kind::Server => "server",
            Kind::KeyPair => "key pair",
            Kind::FloatingIp => "floating IP",
            Kind::Port => "port",
            Kind::Router => "router",
            Kind::RbacPolicy => "RBAC policy",
            Kind::Subnet => "subnet",
            Kind::Network => "network",
            Kind::SubnetPool => "subnet pool",
            Kind::SecurityGroup => "security group",
            Kind::Backup => "backup",
            Kind::VolumeSnapshot => "volume snapshot",
            Kind::Volume => "volume",
            Kind::Image => "image",
            Kind::Secret => "secret",
            Kind::Bucket => "bucket",
            Kind::Ec2Credential => "EC2 credential",
            Kind::ApplicationCredential => "application credential",
            Kind::Grant => "grant of a role",
            Kind::Group => "group",
            Kind::User => "user",
            Kind::Project => "project",
            Kind::Role => "role",
            Kind::Domain => "domain",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_uses_others_comes_before_them() {
        assert!(Kind::ALL.is_sorted());
        for (user, used) in [
            (Kind::Server, Kind::Volume),
            (Kind::Server, Kind::Port),
            (Kind::FloatingIp, Kind::Router),
            (Kind::Router, Kind::Subnet),
            (Kind::Subnet, Kind::Network),
            (Kind::Subnet, Kind::SubnetPool),
            (Kind::Port, Kind::SecurityGroup),
            (Kind::Backup, Kind::Volume),
            (Kind::Bucket, Kind::Ec2Credential),
            (Kind::Grant, Kind::User),
            (Kind::Grant, Kind::Role),
            (Kind::User, Kind::Domain),
        ] {
            assert!(user < used, "{user} before {used}");
        }
    }
}
