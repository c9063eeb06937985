//! Pictures: made anew, refused when they are anything else, kept while somebody wants them.

use std::io::Cursor;
use std::path::Path;
use std::time::{Duration, Instant};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::Method;
use serde_json::json;
use shared::jobs::kinds::SweepUploads;
use tests::{Client, Reply, TestApp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const IMAGE: &str = "upload/image/";
const BOUNDARY: &str = "a-boundary-of-the-test";
const MIB: usize = 1 << 20;

/// A picture with something to see.
fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let pixels = RgbImage::from_fn(width, height, |x, y| {
        Rgb([(x * 7 % 256) as u8, (y * 5 % 256) as u8, ((x + y) % 256) as u8])
    });
    let mut file = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(pixels).write_to(&mut file, format).expect("encodes");
    file.into_inner()
}

/// A photograph as a telephone takes it: on its side, and with the place where it was taken.
fn photograph(width: u32, height: u32) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        let mut bytes = [tag.to_be_bytes(), kind.to_be_bytes()].concat();
        bytes.extend(count.to_be_bytes());
        bytes.extend(value);
        bytes
    };
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08".to_vec();
    exif.extend(2_u16.to_be_bytes());
    exif.extend(entry(0x0112, 3, 1, [0, 6, 0, 0])); // orientation: turn it right
    exif.extend(entry(0x8825, 4, 1, 38_u32.to_be_bytes())); // where the GPS entries are
    exif.extend([0; 4]);
    exif.extend(2_u16.to_be_bytes());
    exif.extend(entry(1, 2, 2, *b"N\0\0\0"));
    exif.extend(entry(2, 5, 3, 68_u32.to_be_bytes()));
    exif.extend([0; 4]);
    for part in [41_u32, 1, 18, 1, 40, 1] {
        exif.extend(part.to_be_bytes());
    }
    exif.extend(b"Tashkent, Amir Temur square");
    let plain = picture(width, height, ImageFormat::Jpeg);
    let mut photograph = plain[..2].to_vec();
    photograph.extend([0xff, 0xe1]);
    photograph.extend(u16::try_from(exif.len() + 2).expect("short").to_be_bytes());
    photograph.extend(exif);
    photograph.extend(&plain[2..]);
    photograph
}

/// One part of a form.
fn part(field: &str, name: &str, file: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\nContent-Type: image/jpeg\r\n\r\n"
    );
    [head.as_bytes(), file, b"\r\n"].concat()
}

fn form(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), format!("--{BOUNDARY}--\r\n").into_bytes()].concat()
}

async fn send(client: &Client, (method, path): (Method, &str), kind: &str, body: Vec<u8>) -> Reply {
    client.send(client.request(method, path).header("content-type", kind).body(body)).await
}

async fn upload(client: &Client, name: &str, file: &[u8]) -> Reply {
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    send(client, (Method::POST, IMAGE), &kind, form(&[part("image", name, file)])).await
}

pub(crate) async fn new_avatar(client: &Client, file: &[u8]) -> Reply {
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let body = form(&[part("avatar", "me.jpg", file)]);
    send(client, (Method::PATCH, "auth/me/"), &kind, body).await
}

pub(crate) fn a_jpeg() -> Vec<u8> {
    picture(64, 48, ImageFormat::Jpeg)
}

/// What is at a URL that the platform gave out.
async fn download(app: &TestApp, url: &str) -> reqwest::Response {
    let public = &app.app.settings.http.public_url;
    let path = url.strip_prefix(public.as_str()).expect("an absolute URL of ours");
    reqwest::get(format!("{}{path}", app.url())).await.expect("answers")
}

/// The files that are kept.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_photograph_stands_upright_and_does_not_tell_where_it_was_taken() {
    let app = TestApp::start().await;
    let person = app.person("photographer").await;
    let photograph = photograph(400, 200);
    assert!(photograph.windows(8).any(|bytes| bytes == b"Tashkent"), "it tells before");
    let reply = upload(&person.client, "IMG_1.jpg", &photograph).await.expect(201);
    assert_eq!((reply.at("/width"), reply.at("/height")), (&json!(200), &json!(400)));
    assert_eq!(reply.text_at("/content_type"), "image/jpeg");
    let response = download(&app, reply.text_at("/url")).await;
    assert_eq!(response.status(), 200);
    for (header, value) in [
        ("content-type", "image/jpeg"),
        ("x-content-type-options", "nosniff"),
        ("content-disposition", "attachment"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("cross-origin-resource-policy", "cross-origin"),
    ] {
        let said = response.headers().get(header).and_then(|value| value.to_str().ok());
        assert_eq!(said, Some(value), "{header}");
    }
    let served = response.bytes().await.expect("a file");
    assert_eq!(reply.at("/size"), &json!(served.len()));
    for told in [b"Exif".as_slice(), b"Tashkent", b"ICC_PROFILE"] {
        assert!(!served.windows(told.len()).any(|bytes| bytes == told), "{told:?}");
    }
    let seen = image::load_from_memory(&served).expect("a picture");
    assert_eq!((seen.width(), seen.height()), (200, 400));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jpeg_png_and_webp_are_taken_and_fitted_whatever_they_are_called() {
    let app = TestApp::start().await;
    let person = app.person("sender").await;
    for (format, name, kept_as) in [
        (ImageFormat::Jpeg, "../../etc/passwd", "image/jpeg"),
        (ImageFormat::Png, "a.php;.jpg", "image/png"),
        (ImageFormat::WebP, "photo.exe", "image/jpeg"),
        (ImageFormat::Jpeg, &"x".repeat(5_000), "image/jpeg"),
        (ImageFormat::Png, "", "image/png"),
    ] {
        let reply = upload(&person.client, name, &picture(2_400, 30, format)).await.expect(201);
        assert_eq!(reply.text_at("/content_type"), kept_as, "{name}");
        assert_eq!((reply.at("/width"), reply.at("/height")), (&json!(1_920), &json!(24)));
        let url = reply.text_at("/url");
        let (folder, file) = url.rsplit_once('/').expect("a path");
        assert!(folder.ends_with("/media/images") && file.len() == 36, "{url}");
        assert_eq!(download(&app, url).await.status(), 200);
    }
    let kept = files(&app.media_dir);
    assert_eq!(kept.len(), 5, "{kept:?}");
    assert!(kept.iter().all(|name| name.ends_with(".jpg") || name.ends_with(".png")), "{kept:?}");
    for path in
        ["/media/images/none.jpg", "/media/images/..%2f..%2fCargo.toml", "/media/etc/passwd"]
    {
        app.client.get(path).await.expect_error(404, "NOT_FOUND");
    }
    app.finish().await;
}

/// A PNG of one kilobyte that says it is huge.
fn bomb() -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(60_000_u32.to_be_bytes());
    header.extend(60_000_u32.to_be_bytes());
    header.extend([8, 6, 0, 0, 0]);
    let mut crc = u32::MAX;
    for byte in &header {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    file.extend(header);
    file.extend((!crc).to_be_bytes());
    file.resize(1_024, 0);
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_no_picture_leaves_nothing_behind() {
    let app = TestApp::start().await;
    let person = app.person("hostile").await;
    let jpeg = picture(600, 400, ImageFormat::Jpeg);
    let png = picture(600, 400, ImageFormat::Png);
    let large = [jpeg.clone(), vec![0; 6 * MIB]].concat();
    let headless =
        [&jpeg[..2], b"\xff\xd8\xff".as_slice(), &[7; 400], b"\xff\xda..\xff\xd9"].concat();
    for (what, file, status, code) in [
        (
            "html",
            b"<!doctype html><script>alert(1)</script>".to_vec(),
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (
            "svg",
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec(),
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        ("exe", b"MZ\x90\0\x03".to_vec(), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("gif", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("heic", b"\0\0\0\x18ftypheic\0\0\0\0".to_vec(), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("pdf", b"%PDF-1.7".to_vec(), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("zip", b"PK\x03\x04".to_vec(), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("six megabytes", large, 413, "PAYLOAD_TOO_LARGE"),
        ("half a jpeg", jpeg[..jpeg.len() / 2].to_vec(), 400, "VALIDATION_ERROR"),
        ("a jpeg without its last byte", jpeg[..jpeg.len() - 1].to_vec(), 400, "VALIDATION_ERROR"),
        ("half a png", png[..png.len() / 2].to_vec(), 400, "VALIDATION_ERROR"),
        ("garbage behind a jpeg's first bytes", headless, 400, "VALIDATION_ERROR"),
        ("nothing", Vec::new(), 400, "VALIDATION_ERROR"),
    ] {
        let reply = upload(&person.client, "photo.jpg", &file).await;
        assert_eq!((reply.status, reply.code()), (status, code), "{what}: {}", reply.text);
    }
    let started = Instant::now();
    let reply = upload(&person.client, "bomb.png", &bomb()).await;
    reply.expect_error(400, "VALIDATION_ERROR");
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(app.database.number("SELECT count(*) FROM uploads").await, 0);
    assert!(files(&app.media_dir).is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_form_is_refused_before_its_picture_is_looked_at() {
    let app = TestApp::start().await;
    let person = app.person("hostile").await;
    let one = part("image", "a.jpg", &a_jpeg());
    let right = format!("multipart/form-data; boundary={BOUNDARY}");
    for (what, kind, body, status, code) in [
        (
            "another boundary",
            "multipart/form-data; boundary=other",
            form(std::slice::from_ref(&one)),
            400,
            "VALIDATION_ERROR",
        ),
        (
            "no boundary",
            "multipart/form-data",
            form(std::slice::from_ref(&one)),
            400,
            "VALIDATION_ERROR",
        ),
        ("cut off", right.as_str(), one.clone(), 400, "VALIDATION_ERROR"),
        ("nothing", &right, Vec::new(), 400, "VALIDATION_ERROR"),
        ("no part", &right, form(&[]), 400, "VALIDATION_ERROR"),
        (
            "1000 parts",
            &right,
            form(&vec![part("image", "a", b"x"); 1_000]),
            400,
            "VALIDATION_ERROR",
        ),
        ("two pictures", &right, form(&[one.clone(), one.clone()]), 400, "VALIDATION_ERROR"),
        (
            "another name",
            &right,
            form(&[part("file", "a.jpg", &a_jpeg())]),
            400,
            "VALIDATION_ERROR",
        ),
        ("a picture and nothing around it", "image/jpeg", a_jpeg(), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("json", "application/json", b"{}".to_vec(), 415, "UNSUPPORTED_MEDIA_TYPE"),
    ] {
        let reply = send(&person.client, (Method::POST, IMAGE), kind, body).await;
        assert_eq!((reply.status, reply.code()), (status, code), "{what}: {}", reply.text);
    }
    let form = form(&[one]);
    let visitor = send(&app.client, (Method::POST, IMAGE), &right, form).await;
    visitor.expect_error(401, "NOT_AUTHENTICATED");
    assert_eq!(app.database.number("SELECT count(*) FROM uploads").await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sends_more_than_their_share_of_a_day() {
    let app = TestApp::start().await;
    let (person, other) = (app.person("sender").await, app.person("other").await);
    upload(&person.client, "a", &a_jpeg()).await.expect(201);
    let almost = 200 * MIB - 1;
    app.database.execute(&format!("UPDATE uploads SET received_bytes = {almost}")).await;
    let refused = upload(&person.client, "a", &a_jpeg()).await.expect_error(409, "LIMIT_REACHED");
    // Nothing is decoded for whoever has had their share: not even this is noticed.
    let damaged = [&a_jpeg()[..300], b"\xff\xd9"].concat();
    upload(&person.client, "a", &damaged).await.expect_error(409, "LIMIT_REACHED");
    assert_eq!(refused.at("/error/details/bytes_per_day"), &json!(200 * MIB));
    upload(&other.client, "a", &a_jpeg()).await.expect(201);
    app.advance("24 hours 1 second").await;
    upload(&person.client, "a", &a_jpeg()).await.expect(201);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_that_are_refused_count_like_those_that_are_kept() {
    let app = TestApp::start_with(&[("RATE_LIMIT_PICTURES", "3/h")]).await;
    let (person, other) = (app.person("sender").await, app.person("other").await);
    let damaged = [&a_jpeg()[..300], b"\xff\xd9"].concat();
    upload(&person.client, "a", &damaged).await.expect_error(400, "VALIDATION_ERROR");
    upload(&person.client, "a", b"GIF89a").await.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
    new_avatar(&person.client, &a_jpeg()).await.expect(200);
    for reply in [
        upload(&person.client, "a", &a_jpeg()).await,
        new_avatar(&person.client, &a_jpeg()).await,
        upload(&person.client, "a", &damaged).await,
    ] {
        let reply = reply.expect_error(429, "RATE_LIMITED");
        assert!(reply.headers.contains_key("retry-after"), "{}", reply.text);
    }
    upload(&other.client, "a", &a_jpeg()).await.expect(201);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_picture_of_a_person_takes_the_place_of_the_old_one() {
    let app = TestApp::start().await;
    let person = app.person("me").await;
    let reply =
        new_avatar(&person.client, &picture(1_000, 500, ImageFormat::Png)).await.expect(200);
    assert_eq!(reply.text_at("/balance"), "0.00", "the answer is the whole person");
    let first = reply.text_at("/avatar").to_owned();
    let seen = download(&app, &first).await.bytes().await.expect("a file");
    let seen = image::load_from_memory(&seen).expect("a picture");
    assert_eq!((seen.width(), seen.height()), (512, 256));
    let second =
        new_avatar(&person.client, &a_jpeg()).await.expect(200).text_at("/avatar").to_owned();
    assert_ne!(first, second);
    app.run_due_jobs().await;
    assert_eq!(download(&app, &first).await.status(), 404);
    assert_eq!(download(&app, &second).await.status(), 200);

    let sent = upload(&person.client, "a.jpg", &a_jpeg()).await.expect(201);
    let url = sent.text_at("/url").to_owned();
    let choose = json!({ "avatar_url": url });
    for _ in 0..2 {
        person.client.patch("profile/", choose.clone()).await.expect(200);
    }
    assert_eq!(person.client.get("auth/me/").await.expect(200).text_at("/avatar"), url);
    app.run_due_jobs().await;
    assert_eq!(files(&app.media_dir).len(), 1);
    let other = app.person("thief").await;
    for foreign in [url.as_str(), "https://evil.uz/x.jpg", &second, "", "/media/images/x.jpg"] {
        let reply = other.client.patch("profile/", json!({ "avatar_url": foreign })).await;
        let reply = reply.expect_error(400, "VALIDATION_ERROR");
        assert!(reply.at("/error/details/avatar_url").is_array(), "{foreign}");
    }
    let gone = person.client.patch("auth/me/", json!({ "avatar_url": null })).await.expect(200);
    assert!(gone.at("/avatar").is_null());
    app.run_due_jobs().await;
    assert!(files(&app.media_dir).is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_attached_is_gone_after_a_day_also_when_its_job_was_lost() {
    let app = TestApp::start().await;
    let person = app.person("sender").await;
    let kept = new_avatar(&person.client, &a_jpeg()).await.expect(200);
    let orphan = upload(&person.client, "a.jpg", &a_jpeg()).await.expect(201);
    let sweep = async || {
        app.enqueue(SweepUploads {}).await;
        app.run_due_jobs().await;
    };
    app.advance("23 hours 59 minutes").await;
    sweep().await;
    assert_eq!(download(&app, orphan.text_at("/url")).await.status(), 200);
    app.advance("2 minutes").await;
    app.enqueue(SweepUploads {}).await;
    let discarded = "UPDATE uploads SET discarded_at = app_now() WHERE attached_at IS NULL";
    app.database.execute(discarded).await;
    sweep_only(&app).await;
    assert_eq!(files(&app.media_dir).len(), 1);
    assert_eq!(download(&app, orphan.text_at("/url")).await.status(), 404);
    assert_eq!(download(&app, kept.text_at("/avatar")).await.status(), 200);
    let removed = "SELECT count(*) FROM uploads WHERE removed_at IS NOT NULL";
    assert_eq!(app.database.number(removed).await, 1);
    sweep().await;
    assert_eq!(app.database.number(removed).await, 1);
    app.finish().await;
}

/// The recorded sweep finds a discarded row whose job nobody recorded.
async fn sweep_only(app: &TestApp) {
    app.assert_not_enqueued::<shared::jobs::kinds::RemoveUpload>().await;
    app.run_due_jobs().await;
}

/// A bucket that takes everything and writes down how it was asked.
async fn bucket() -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (told, asked) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            let mut chunk = [0; 8_192];
            let whole = |request: &[u8]| {
                let end = request.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
                let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.map_or(0, |text| text.trim().parse().expect("a length"));
                (request.len() >= end + length).then_some(head)
            };
            let head = loop {
                if let Some(head) = whole(&request) {
                    break head;
                }
                let read = stream.read(&mut chunk).await.expect("reads");
                if read == 0 {
                    break String::new();
                }
                request.extend(&chunk[..read]);
            };
            if told.send(head).is_err() {
                return;
            }
            let answer =
                "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.ok();
        }
    });
    (url, asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_gets_the_files_signed_and_with_their_headers() {
    let (endpoint, mut asked) = bucket().await;
    let app = TestApp::start_with(&[
        ("MEDIA_DIR", ""),
        ("AWS_STORAGE_BUCKET_NAME", "wibestore-media"),
        ("AWS_ACCESS_KEY_ID", "AKIATEST"),
        ("AWS_SECRET_ACCESS_KEY", "a-secret-of-the-test"),
        ("AWS_S3_ENDPOINT_URL", &endpoint),
    ])
    .await;
    let person = app.person("me").await;
    let reply = new_avatar(&person.client, &a_jpeg()).await.expect(200);
    let url = reply.text_at("/avatar");
    let key = url.strip_prefix(&format!("{endpoint}/wibestore-media/")).expect("in the bucket");
    let put = asked.recv().await.expect("a request");
    assert!(put.starts_with(&format!("put /wibestore-media/{key} http/1.1")), "{put}");
    for header in [
        "content-type: image/jpeg",
        "cache-control: public, max-age=31536000, immutable",
        "content-disposition: attachment",
        "authorization: aws4-hmac-sha256 credential=akiatest/",
    ] {
        assert!(put.contains(header), "{header} is in {put}");
    }
    assert!(!put.contains("a-secret-of-the-test"));
    app.client.get(&format!("/media/{key}")).await.expect_error(404, "NOT_FOUND");
    person.client.patch("auth/me/", json!({ "avatar_url": null })).await.expect(200);
    app.run_due_jobs().await;
    let delete = asked.recv().await.expect("a request");
    assert!(delete.starts_with(&format!("delete /wibestore-media/{key} ")), "{delete}");
    assert_eq!(
        app.database.number("SELECT count(*) FROM uploads WHERE removed_at IS NOT NULL").await,
        1
    );
    app.finish().await;
}
