//! What has to be done so that the new server has the roles that it lacks, and what is told of those that it has. Pure: both
//! servers have been read.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::Globals;
use crate::catalog::membership::{self, Membership};
use crate::catalog::role::{Role, is_systems_own};
use crate::event::{Finding, Severity};
use crate::sql;
use crate::sql::acl::AclItem;
use crate::sql::{Ident, Sql, join};

/// Which roles are carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carried {
    /// Those that what is moved refers to and the new server lacks, and what they are members of.
    #[default]
    Missing,
    /// All that the new server lacks.
    All,
    /// None: what is moved may only refer to those that are there.
    None,
}

/// A statement to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What it is about, as a user would name it.
    pub subject: String,
    /// The statement, or several that belong together. It may hold a password.
    pub statement: Sql,
    /// Whether it is left out and told where the new server refuses it: settings and parameters come and go with majors.
    pub dispensable: bool,
}

/// What has to be done, and what there is to tell.
#[derive(Clone, Debug, Default)]
pub struct Carry {
    /// The roles that are made.
    pub created: Vec<Ident>,
    /// Roles that are needed, not there, and not made.
    pub absent: Vec<String>,
    /// What makes them, in order, in one transaction.
    pub actions: Vec<Action>,
    /// What holds for everybody on the new server from then on.
    pub everybody: Vec<Action>,
    /// What unmakes them.
    pub undo: Vec<Sql>,
    /// What there is to tell.
    pub findings: Vec<Finding>,
}

impl Globals {
    /// What has to be done on `new` so that the roles are there that `wanted` names.
    pub fn carry(&self, new: &Self, wanted: &BTreeSet<String>, which: Carried) -> Carry {
        let scope = match which {
            Carried::Missing => self.closure(wanted, new),
            Carried::All => self.roles.iter().map(|role| role.name.clone()).collect(),
            Carried::None => BTreeSet::new(),
        };
        // A newer server may lack none of those that come with it; should it, nobody can make them.
        let roles = self.roles.iter().filter(|role| scope.contains(&role.name) && !is_systems_own(&role.name));
        let (there, lacking): (Vec<&Role>, Vec<&Role>) = roles.partition(|role| new.role(&role.name).is_some());
        let carrying = Carrying { old: self, new, created: lacking.iter().map(|role| &role.name).collect() };
        let mut carry = Carry { created: lacking.iter().map(|role| role.name.clone()).collect(), ..Carry::default() };
        let is_there = |name: &&String| {
            let name = Ident::from(name.as_str());
            new.role(&name).is_some() || carrying.created.contains(&name)
        };
        carry.absent = wanted.iter().filter(|name| !is_there(name)).cloned().collect();
        carrying.make(&lacking, &mut carry);
        carrying.grant_roles(&mut carry);
        carrying.grant_parameters(&mut carry);
        carrying.for_everybody(which, &mut carry);
        carry.findings.extend(there.into_iter().filter_map(|role| carrying.compare(role)));
        carry.findings.extend(there_passwords(self, new, &scope));
        carry.findings.extend(carrying.members_left(&scope));
        carry
    }
}

/// Both servers, and the roles that are made.
struct Carrying<'a> {
    old: &'a Globals,
    new: &'a Globals,
    created: HashSet<&'a Ident>,
}

impl Carrying<'_> {
    /// The roles themselves, with all that is theirs alone.
    fn make(&self, lacking: &[&Role], carry: &mut Carry) {
        let action = |role: &Role, statement, dispensable| Action { subject: role.label(), statement, dispensable };
        carry.actions.extend(lacking.iter().map(|role| action(role, role.create(), false)));
        let comments = |role: &&Role| role.comment_statement().map(|sql| action(role, sql, false));
        carry.actions.extend(lacking.iter().filter_map(comments));
        for role in lacking {
            carry.actions.extend(role.setting_statements().map(|sql| action(role, sql, true)));
            carry.actions.extend(role.label_statements().map(|sql| action(role, sql, true)));
            if role.login && !self.old.passwords_read {
                carry.findings.push(Finding {
                    severity: Severity::Warning,
                    subject: role.label(),
                    text: "is made without a password: this login may not read it on the old server".to_owned(),
                    remedy: Some(
                        "Give it its password on the new server, or log in to the old one as a superuser.".to_owned(),
                    ),
                });
            }
        }
        if !lacking.is_empty() {
            carry.undo.push(sql!("DROP ROLE IF EXISTS {}", join(lacking.iter().map(|role| &role.name), ", ")));
        }
    }

    /// What they are members of.
    fn grant_roles(&self, carry: &mut Carry) {
        let is_there = |role: &Ident| self.created.contains(role) || self.new.role(role).is_some();
        let grants = self.old.memberships.iter();
        // Those that come with a server are nobody's to be left as they are.
        let member = |m: &Membership| {
            self.created.contains(&m.member) || is_systems_own(&m.member) && self.created.contains(&m.role)
        };
        let grants = grants.filter(|m| member(m) && is_there(&m.role)).collect();
        let admins = self.new.memberships.iter().filter(|m| m.admin).map(|m| (m.role.clone(), m.member.clone()));
        let Some(bootstrap) = self.old.bootstrap() else { return };
        for turn in membership::in_order(grants, admins.collect(), bootstrap) {
            let (role, member) = (turn.membership.role.as_str(), turn.membership.member.as_str());
            if let Some(grantor) = turn.membership.grantor.as_ref().filter(|g| *g != bootstrap && !turn.as_grantor) {
                carry.findings.push(Finding {
                    severity: Severity::Note,
                    subject: format!("role {member}"),
                    text: format!(
                        "is made a member of {role} by this login: {}, who did so on the old server, may not on the new one",
                        grantor.as_str()
                    ),
                    remedy: None,
                });
            }
            carry.actions.push(Action {
                subject: format!("membership of {member} in {role}"),
                statement: turn.membership.grant(turn.as_grantor),
                dispensable: false,
            });
        }
    }

    /// What they may do to parameters.
    fn grant_parameters(&self, carry: &mut Carry) {
        let Some(bootstrap) = self.old.bootstrap() else { return };
        let mut undo = Vec::new();
        for parameter in &self.old.parameters {
            let theirs = |item: &&AclItem| item.grantee.as_ref().is_some_and(|grantee| self.created.contains(grantee));
            for item in parameter.items.iter().filter(theirs) {
                carry.actions.push(Action {
                    subject: format!("privileges on the parameter {}", parameter.name.as_str()),
                    statement: join(parameter.grant(item, bootstrap), ";\n"),
                    dispensable: true,
                });
                undo.extend(item.grantee.iter().map(|grantee| parameter.revoke_all(grantee)));
            }
        }
        carry.undo.splice(0..0, undo);
    }

    /// Settings of `ALTER ROLE ALL`, and parameters that everybody was given something on.
    fn for_everybody(&self, which: Carried, carry: &mut Carry) {
        let mut differing = Vec::new();
        for setting in &self.old.settings {
            let statement = sql!("ALTER ROLE ALL SET {}", setting.assignment());
            match self.new.settings.iter().find(|other| other.name == setting.name) {
                Some(same) if same == setting => {}
                None if which != Carried::None => carry.everybody.push(Action {
                    subject: format!("setting {} for all roles", setting.name),
                    statement,
                    dispensable: true,
                }),
                _ => differing.push(statement),
            }
        }
        for (parameter, item) in self.parameter_items(None) {
            let statement = join(self.old.bootstrap().map(|b| parameter.grant(item, b)).unwrap_or_default(), ";\n");
            match which {
                Carried::None => differing.push(statement),
                _ => carry.everybody.push(Action {
                    subject: format!("privileges on the parameter {}", parameter.name.as_str()),
                    statement,
                    dispensable: true,
                }),
            }
        }
        carry.findings.extend(differs("all roles".to_owned(), &differing));
    }

    /// What a role, or everybody, was granted on parameters of the old server and not on those of the new one.
    fn parameter_items(&self, grantee: Option<&Ident>) -> Vec<(&crate::catalog::ParameterAcl, &AclItem)> {
        let mut found = Vec::new();
        for parameter in &self.old.parameters {
            let there = self.new.parameters.iter().filter(|other| other.name == parameter.name);
            let there: Vec<&AclItem> = there.flat_map(|other| &other.items).collect();
            let items = parameter.items.iter().filter(|item| item.grantee.as_ref() == grantee && !there.contains(item));
            found.extend(items.map(|item| (parameter, item)));
        }
        found
    }

    /// What differs in a role that is on both sides. The bootstrap superuser's own parameters are everybody's.
    fn compare(&self, role: &Role) -> Option<Finding> {
        let other = self.new.role(&role.name)?;
        let mut statements = role.differences(other);
        let (old, new) = (groups(&self.old.memberships, &role.name), groups(&self.new.memberships, &role.name));
        let lacking = old.iter().filter(|(group, own)| !new.get(*group).is_some_and(|n| own.gives_as_much_as(n)));
        statements.extend(lacking.map(|(_, own)| own.grant(false)));
        let more = new.keys().filter(|group| !old.contains_key(*group));
        statements.extend(more.map(|group| sql!("REVOKE {} FROM {}", group, role.name)));
        if let Some(bootstrap) = self.old.bootstrap().filter(|bootstrap| **bootstrap != role.name) {
            let items = self.parameter_items(Some(&role.name)).into_iter();
            statements.extend(items.flat_map(|(parameter, item)| parameter.grant(item, bootstrap)));
        }
        differs(role.label(), &statements)
    }

    /// Members of roles that are carried, who are not: nothing that is moved names them.
    fn members_left(&self, scope: &BTreeSet<Ident>) -> Option<Finding> {
        let memberships = self.old.memberships.iter().filter(|m| scope.contains(&m.role));
        let left: BTreeSet<&str> = memberships
            .map(|m| &m.member)
            .filter(|member| !self.created.contains(member) && self.new.role(member).is_none())
            .map(Ident::as_str)
            .collect();
        let names: Vec<&str> = left.into_iter().collect();
        (!names.is_empty()).then(|| Finding {
            severity: Severity::Warning,
            subject: format!("role {}", names.join(", ")),
            text: "not made on the new server: a member of roles that are, but nothing that is moved names it"
                .to_owned(),
            remedy: Some("Say --roles all to have all roles of the old server.".to_owned()),
        })
    }
}

/// What a role is a member of, whoever granted it: the sum where it was granted several times.
fn groups(memberships: &[Membership], member: &Ident) -> BTreeMap<Ident, Membership> {
    let mut out: BTreeMap<Ident, Membership> = BTreeMap::new();
    for membership in memberships.iter().filter(|membership| membership.member == *member) {
        let sum = out.entry(membership.role.clone()).or_insert_with(|| membership.clone());
        sum.admin |= membership.admin;
        sum.options = sum.options.zip(membership.options).map(|(a, b)| (a.0 || b.0, a.1 || b.1));
    }
    out
}

fn differs(subject: String, statements: &[Sql]) -> Option<Finding> {
    (!statements.is_empty()).then(|| Finding {
        severity: Severity::Warning,
        subject,
        text: "not the same on both servers; on the new one it stays as it is".to_owned(),
        remedy: Some(format!("What would make it the same: {}.", join(statements, "; "))),
    })
}

/// Roles on both sides whose stored passwords are not the same. The bootstrap superuser's never is: it is set anew with every
/// cluster.
fn there_passwords(old: &Globals, new: &Globals, scope: &BTreeSet<Ident>) -> Vec<Finding> {
    if !old.passwords_read || !new.passwords_read {
        return Vec::new();
    }
    let roles = old.roles.iter().filter(|role| role.login && scope.contains(&role.name));
    let roles = roles.filter(|role| old.bootstrap() != Some(&role.name));
    let differing = roles.filter(|role| new.role(&role.name).is_some_and(|other| other.password != role.password));
    let finding = |role: &Role| Finding {
        severity: Severity::Note,
        subject: role.label(),
        text:
            "its password on the new server is left as it is: not what is stored on the old one, which may be another \
               form of the same"
                .to_owned(),
        remedy: None,
    };
    differing.map(finding).collect()
}
