use crate::{flavors, images, repair};

/// Whether an id leads to its resource when it stands in a path: one of dots leads elsewhere, and an empty one to all.
pub(crate) fn is_addressable(id: &str) -> bool {
    !id.bytes().all(|byte| byte == b'.')
}

/// What is done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// It is made.
    Create,
    /// Some of its fields get other values.
    Set,
    /// Some of its fields go.
    Unset,
    /// It gets another name.
    Rename,
    /// Lists leave it out from now on.
    Hide,
    /// It cannot be used any more.
    Deactivate,
    /// It is made from what a URL leads to.
    Import,
    /// It is made from a file.
    Upload,
    /// It goes.
    Delete,
    /// It should change, but cannot, or not without the operator's consent.
    Blocked,
}

impl Verb {
    /// All of them, in the order in which a summary counts them.
    pub const ALL: [Verb; 10] = [
        Verb::Create,
        Verb::Import,
        Verb::Upload,
        Verb::Set,
        Verb::Unset,
        Verb::Rename,
        Verb::Hide,
        Verb::Deactivate,
        Verb::Delete,
        Verb::Blocked,
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Verb::Create => "create",
            Verb::Set => "set",
            Verb::Unset => "unset",
            Verb::Rename => "rename",
            Verb::Hide => "hide",
            Verb::Deactivate => "deactivate",
            Verb::Import => "import",
            Verb::Upload => "upload",
            Verb::Delete => "delete",
            Verb::Blocked => "blocked",
        }
    }
}

/// What kind of thing a plan is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// A flavor of nova.
    Flavor,
    /// An image of glance.
    Image,
    /// A volume type of cinder.
    VolumeType,
    /// A rule that neutron gives to new security groups.
    DefaultRule,
}

impl Resource {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Resource::Flavor => "flavor",
            Resource::Image => "image",
            Resource::VolumeType => "volume type",
            Resource::DefaultRule => "default security group rule",
        }
    }
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub field: String,
    /// What it is; none if it is not set.
    pub from: Option<String>,
    /// What it is to be; none if it is to go.
    pub to: Option<String>,
}

impl Change {
    /// A field that gets a value.
    pub(crate) fn to(field: impl Into<String>, from: Option<&str>, to: impl Into<String>) -> Self {
        Change { field: field.into(), from: from.map(str::to_owned), to: Some(to.into()) }
    }
}

/// What carries an action out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Calls to nova about a flavor.
    Flavor(flavors::Step),
    /// Calls to glance about an image, and what they send.
    Image(images::Step),
    /// Calls to cinder and neutron.
    Repair(repair::Step),
}

/// One entry of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// What is done.
    pub verb: Verb,
    /// To what kind of thing.
    pub resource: Resource,
    /// Its name.
    pub name: String,
    /// Its id, if it exists.
    pub id: Option<String>,
    /// What differs.
    pub changes: Vec<Change>,
    /// Why.
    pub reason: String,
    /// The clause that demands it, if one does.
    pub clause: Option<String>,
    /// The actions, by their place in the plan, without whose success this one is not tried.
    pub after: Vec<usize>,
    /// What carries it out; none if it is blocked.
    pub step: Option<Step>,
}

/// What nobody but the operator can say. It is no drift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// About what kind of thing.
    pub resource: Resource,
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: Option<String>,
    /// The field that lacks a value.
    pub field: String,
    /// What may stand there, as a phrase.
    pub expected: String,
    /// What was seen, as a phrase.
    pub found: String,
    /// What others often answer.
    pub suggestion: Option<String>,
    /// The clause that demands it.
    pub clause: String,
}

/// What separates a cloud from what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// What is to be done, in an order in which it can be done.
    pub actions: Vec<Action>,
    /// What is worth knowing and calls for no action.
    pub notes: Vec<String>,
    /// What is left to the operator.
    pub questions: Vec<Question>,
}

impl Plan {
    /// Whether the cloud differs from what is wanted.
    pub fn has_drift(&self) -> bool {
        !self.actions.is_empty()
    }

    /// The number of actions of a kind.
    pub fn count(&self, verb: Verb) -> usize {
        self.actions.iter().filter(|action| action.verb == verb).count()
    }

    /// The actions that can be carried out, each with its place in the plan.
    pub fn steps(&self) -> impl Iterator<Item = (usize, &Action, &Step)> {
        let actions = self.actions.iter().enumerate();
        actions.filter_map(|(index, action)| Some((index, action, action.step.as_ref()?)))
    }

    /// Puts another plan behind this one.
    pub fn append(&mut self, other: Plan) {
        let before = self.actions.len();
        self.actions.extend(other.actions.into_iter().map(|action| Action {
            after: action.after.iter().map(|place| place + before).collect(),
            ..action
        }));
        self.notes.extend(other.notes);
        self.questions.extend(other.questions);
    }

    /// Adds an action and tells its place.
    pub(crate) fn push(&mut self, action: Action) -> usize {
        self.actions.push(action);
        self.actions.len() - 1
    }
}
