//! The pages: what a button sends, and that nothing gets out of its place.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sandbox::{SANDBOX_UZCARD, Status};
use serde_json::Value;

use crate::platform::World;

fn methods(world: &World) -> Vec<String> {
    let method = |body: Value| body["method"].as_str().expect("a method").to_owned();
    world.heard().iter().map(|call| method(call.json())).collect()
}

fn payme_link() -> String {
    let link = "m=decafbad0000000000000001;ac.order_id=o-1;a=5000000;l=uz;c=https://shop.example/back?a=1&b=2";
    format!("/payme/{}", STANDARD.encode(link).replace('=', "%3D").replace('+', "%2B"))
}

#[tokio::test]
async fn payme_is_paid_in_its_own_order_of_calls() {
    let world = World::start().await;
    let page = world.open(&payme_link()).await;
    assert_eq!(page.status, 200);
    assert!(
        page.text.contains("50\u{a0}000.00\u{a0}soum") && page.text.contains("o-1"),
        "{}",
        page.text
    );
    assert!(world.heard().is_empty(), "looking sends nothing");

    let page = world.press(&payme_link(), &[("do", "pay")]).await;
    assert!(page.text.contains("href=\"https://shop.example/back?a=1&amp;b=2\""), "{}", page.text);
    let sent = [
        "CheckPerformTransaction",
        "CreateTransaction",
        "PerformTransaction",
        "SetFiscalData",
        "CheckTransaction",
    ];
    assert_eq!(methods(&world), sent);
    let create = &world.heard()[1];
    let params = &create.json()["params"];
    assert_eq!(create.provider, "payme");
    assert_eq!(create.content_type, "text/json; charset=UTF-8");
    let key = create.authorization.strip_prefix("Basic ").expect("HTTP Basic");
    let key = String::from_utf8(STANDARD.decode(key).expect("base64")).expect("UTF-8");
    assert_eq!(key, "Paycom:sandbox-payme-key-that-opens-nothing");
    assert!(!page.text.contains("opens-nothing"), "the key is not shown");
    assert_eq!(params["account"]["order_id"], "o-1");
    assert_eq!(params["id"].as_str().map(str::len), Some(24));
    assert_eq!(params["time"].as_i64().map(|time| time.to_string().len()), Some(13));
}

#[tokio::test]
async fn payme_stops_where_the_shop_refuses() {
    let world = World::start().await;
    world.answer(200, r#"{"error":{"code":-31051,"message":{"en":"<b>paid</b>"}},"id":1}"#);
    let page = world.press(&payme_link(), &[("do", "pay")]).await;
    assert_eq!(methods(&world), ["CheckPerformTransaction"]);
    assert!(page.text.contains("refused") && page.text.contains("&lt;b&gt;paid"), "{}", page.text);
    assert!(!page.text.contains("<b>paid"), "{}", page.text);
}

#[tokio::test]
async fn payme_gives_back_and_cancels() {
    let world = World::start().await;
    world.press(&payme_link(), &[("do", "pay-and-cancel")]).await;
    let sent = methods(&world);
    let receipts = ["SetFiscalData", "CancelTransaction", "SetFiscalData", "CheckTransaction"];
    assert_eq!(
        (sent[2].as_str(), &sent[3..]),
        ("PerformTransaction", &receipts.map(str::to_owned)[..])
    );
    assert_eq!(world.heard()[4].json()["params"]["reason"], 5);
    world.press(&payme_link(), &[("do", "cancel")]).await;
    assert_eq!(
        methods(&world)[8..],
        ["CreateTransaction", "CancelTransaction", "CheckTransaction"]
    );
}

#[tokio::test]
async fn a_broken_payme_link_is_refused_in_words() {
    let world = World::start_with(|settings| settings.payme_merchant = Some("ours".into())).await;
    for (path, problem) in [("/payme/%2A".to_owned(), "base64"), (payme_link(), "-31601")] {
        let page = world.open(&path).await;
        assert_eq!(page.status, 400);
        assert!(page.text.contains(problem), "{}", page.text);
    }
}

const CLICK: &str = "/click?service_id=10001&merchant_id=20001&amount=1000.50&transaction_param=o-1&return_url=https%3A%2F%2Fshop.example";

#[tokio::test]
async fn click_prepares_and_completes_with_the_strings_it_signed() {
    let world = World::start().await;
    let page = world.open(CLICK).await;
    assert!(page.text.contains("1\u{a0}000.50\u{a0}soum"), "{}", page.text);
    let page = world.press(CLICK, &[("do", "pay")]).await;
    assert!(
        page.text.contains("Paid.") && page.text.contains("https://shop.example"),
        "{}",
        page.text
    );
    let [prepare, complete] = &world.heard()[..] else { panic!("two calls") };
    assert_eq!(prepare.content_type, "application/x-www-form-urlencoded");
    for (call, action, prepared) in [(prepare, "0", ""), (complete, "1", "901")] {
        assert_eq!(
            (call.field("action").as_str(), call.field("merchant_prepare_id").as_str()),
            (action, prepared)
        );
        assert_eq!((call.field("amount").as_str(), call.field("error").as_str()), ("1000.50", "0"));
        assert_eq!(call.field("sign_string").len(), 32);
        assert!(
            call.field("click_trans_id").parse::<i64>().expect("a number") > i64::from(i32::MAX)
        );
    }
    world.press(CLICK, &[("do", "decline")]).await;
    assert_eq!(world.heard()[3].field("error"), "-5017");
    world.press(CLICK, &[("do", "twice")]).await;
    let completes = &world.heard()[5..];
    assert_eq!(completes.len(), 2);
    assert!(completes.iter().all(|call| call.field("merchant_prepare_id") == "901"));
}

#[tokio::test]
async fn click_refuses_a_link_that_is_not_the_shops() {
    let world = World::start().await;
    for (from, to) in [
        ("service_id=10001", "service_id=6"),
        ("merchant_id=20001", "merchant_id="),
        ("transaction_param=o-1", "x=1"),
        ("amount=1000.50", "amount=1e3"),
        ("amount=1000.50", "amount=0"),
    ] {
        assert_eq!(world.open(&CLICK.replace(from, to)).await.status, 400, "{to}");
    }
    assert!(world.heard().is_empty());
}

#[tokio::test]
async fn the_paynet_terminal_makes_every_call() {
    let world = World::start().await;
    for path in ["/paynet?m=30001&c=o-1&a=100050", "/paynet?m=30001&client_id=o-1&amount=1000.50"] {
        let page = world.open(path).await;
        assert!(
            page.text.contains("value=\"o-1\"") && page.text.contains("1000.50"),
            "{}",
            page.text
        );
    }
    let typed = [("order", "o-1"), ("amount", "1000.50"), ("transaction", "31000000005")];
    for button in ["information", "perform", "check", "cancel", "statement"] {
        let mut fields = typed.to_vec();
        fields.push(("do", button));
        let page = world.press("/paynet", &fields).await;
        assert!(page.text.contains("31000000005"), "the transaction stays in its field");
    }
    let sent = [
        "GetInformation",
        "PerformTransaction",
        "CheckTransaction",
        "CancelTransaction",
        "GetStatement",
    ];
    assert_eq!(methods(&world), sent);
    let perform = world.heard()[1].json();
    assert_eq!(perform["jsonrpc"], "2.0");
    assert_eq!(perform["params"]["amount"], 100_050);
    assert_eq!(perform["params"]["serviceId"], 30001);
    assert_eq!(perform["params"]["fields"]["order_id"], "o-1");
    assert!(world.heard().iter().all(|call| call.authorization.starts_with("Basic ")));
    let page =
        world.press("/paynet", &[("do", "perform"), ("order", "o-1"), ("amount", "1")]).await;
    let fresh = world.heard().pop().expect("a call").json()["params"]["transactionId"].to_string();
    assert!(page.text.contains(&format!("value=\"{fresh}\"")), "a new transaction is shown");
}

#[tokio::test]
async fn a_card_is_charged_on_multicards_page() {
    let world = World::start().await;
    let invoice = world.invoice("o-1\"><script>", 100_000).await;
    let path = format!("/multicard/invoice/{invoice}");
    let page = world.open(&path).await;
    assert!(page.text.contains(&format!("value=\"{SANDBOX_UZCARD}\"")), "{}", page.text);
    world.press(&path, &[("do", "decline"), ("card", SANDBOX_UZCARD)]).await;
    let page = world.press(&path, &[("do", "pay"), ("card", "1234")]).await;
    assert!(page.text.contains("ERROR_CARD_NOT_FOUND"), "{}", page.text);
    let page = world.press(&path, &[("do", "pay"), ("card", SANDBOX_UZCARD)]).await;
    assert!(page.text.contains("Paid.") && page.text.contains("success callback"), "{}", page.text);
    assert!(page.text.contains("https://shop.example/back"), "{}", page.text);

    let lost = world.invoice("o-2", 100_000).await;
    let path = format!("/multicard/invoice/{lost}");
    world.press(&path, &[("do", "lose"), ("card", SANDBOX_UZCARD)]).await;
    let payments = world.sandbox.multicard().payments();
    assert_eq!(payments.last().map(|payment| payment.status), Some(Status::Success));
    assert_eq!(world.heard().len(), 1, "only the first payment was told");
    assert!(world.sandbox.multicard().orders().is_empty());
    world.press(&path, &[("do", "call-back")]).await;
    assert_eq!(world.heard().len(), 2);
    assert_eq!(world.open("/multicard/invoice/none").await.status, 404);

    let index = world.open("/").await;
    assert!(index.text.contains("o-2") && !index.text.contains("\"><script"), "{}", index.text);
}

#[tokio::test]
async fn the_first_page_orders_faults_and_settles_payouts() {
    let world = World::start().await;
    world.press("/", &[("do", "5")]).await;
    assert_eq!(world.sandbox.multicard().orders().len(), 1);
    let body = serde_json::json!({ "card": { "token": "x" }, "amount": 100, "store_id": 40001, "invoice_id": "w-1" });
    world.multicard("POST", "payment/credit", body).await;
    let page = world.open("/").await;
    assert!(page.text.contains("w-1") && page.text.contains("progress"), "{}", page.text);
    let uuid = world.sandbox.multicard().payouts()[0].uuid.clone();
    let page = world.press("/", &[("do", "error"), ("payout", &uuid)]).await;
    assert!(page.text.contains("error"), "{}", page.text);
    assert_eq!(world.sandbox.multicard().payouts()[0].status, Status::Error);
    assert_eq!(world.press("/", &[("do", "error"), ("payout", "none")]).await.status, 200);
}
