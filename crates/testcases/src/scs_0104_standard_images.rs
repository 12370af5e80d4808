//! scs-0104: standard images. Well-known systems are offered, under well-known names or properties, and come
//! from those who make them.

mod by_name;
mod by_property;

use crate::registry::Registry;

pub(crate) fn register(registry: &mut Registry) {
    by_name::register(registry);
    by_property::register(registry);
}
