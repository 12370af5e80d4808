//! scs-0104: standard images. Well-known systems are offered, under well-known names or properties, and come
//! from those who make them; users may bring images of their own.

mod by_name;
mod by_property;
mod upload;

use crate::registry::Registry;

pub(crate) fn register(registry: &mut Registry) {
    by_name::register(registry);
    by_property::register(registry);
    upload::register(registry);
}
