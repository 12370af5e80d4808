//! Many clouds in one process.

use std::sync::Arc;

use assay_inventory::FactId;
use assay_simcloud::{Fault, Population, Rule, Settings, with_images};
use futures::future::join_all;

use crate::{asking, config_of, gathered_as, readable, recording, start};

#[tokio::test]
async fn a_hundred_clouds_share_what_is_in_them_and_nothing_else() {
    const CLOUDS: usize = 100;
    let population = Arc::new(Population::of(&with_images(recording(), 500)));
    // Every tenth is out of order.
    let settings = |number: usize| Settings {
        name: format!("cloud-{number}"),
        seed: number as u64,
        page_size: 200,
        rules: number.is_multiple_of(10).then(|| Rule::always(Fault::Failed(500))).into_iter().collect(),
        ..Settings::of(Arc::clone(&population))
    };
    let clouds = join_all((0..CLOUDS).map(|number| start(settings(number)))).await;
    assert_eq!(Arc::strong_count(&population), CLOUDS + 1);
    let text = assay_simcloud::clouds_yaml(&clouds);
    let facts = readable();
    let found = join_all(clouds.iter().map(|cloud| {
        let config = config_of(&text, cloud.name());
        let facts = &facts;
        async move { gathered_as(&config, facts, &asking(), None).await }
    }));
    for (number, inventory) in found.await.iter().enumerate() {
        match number % 10 {
            0 => assert!(!inventory.is_known(FactId::Images)),
            _ => assert_eq!(inventory.images.value().unwrap().len(), 500, "{number}"),
        }
    }
    let pages = |shape: &str, number: usize| {
        clouds[number].calls().into_iter().find(|(known, _)| known == shape).map(|(_, count)| count)
    };
    // Two of hidden images would be one more; there is a page of them.
    assert_eq!(pages("GET image/images", 7), Some(4));
    assert_eq!(pages("POST identity/auth/tokens", 7), Some(1));
}
